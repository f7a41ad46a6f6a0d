// Python packages with a stand-in for uv: which steps are taken, with what, and what becomes of them.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSlots } from '@insightloop/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BoxedCommand, RunBoxed } from './package-box.ts';
import { createPackageInstaller, type PackageInstaller, type PackageRequest } from './package-installer.ts';
import { createPackageStore } from './package-store.ts';
import { consoleScripts, uvDigest } from './uvx-program.ts';
import { createUvSource } from './uvx-source.ts';

/** Does with a shell what uv would do; says no where the package is called so. */
const standIn = `#!/bin/sh
set -e
for last in "$@"; do :; done
case "$1 $2" in
  "pip compile")
    name=$(cat "$last")
    if [ "$name" = missing ]; then echo "  Because $name was not found in the package registry" >&2; exit 1; fi
    echo "$name==1.2.3" ;;
  "venv --no-project")
    mkdir -p "$last/bin" "$last/lib/python3.12/site-packages"
    ln -s /bin/sh "$last/bin/python" ;;
  "pip install")
    for arg in "$@"; do case "$arg" in --python=*) venv=$(dirname $(dirname "\${arg#--python=}")) ;; esac; done
    echo "Downloaded something" >&2
    name="\${last%%==*}"; version="\${last##*==}"
    info="$venv/lib/python3.12/site-packages/$(echo "$name" | tr - _)-$version.dist-info"
    mkdir "$info"
    printf '[console_scripts]\\n%s = %s:main\\nother=x:y\\n' "$name" "$name" > "$info/entry_points.txt"
    printf 'x/a.py,sha256=abc,3\\n../../../bin/%s,sha256=%s,5\\nx/a.pyc,,\\n' "$name" "$venv" > "$info/RECORD"
    printf '#!/bin/sh\\necho hello\\n' > "$venv/bin/$name"
    env > "$venv/environment" ;;
esac
`;

let root = '';
let ran: BoxedCommand[] = [];
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'uvx-source-')));
  ran = [];
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'bin/uv'), standIn, { mode: 0o755 });
  await mkdir(join(root, '.config/uv'), { recursive: true });
});
afterEach(() => rm(root, { recursive: true }));

/** No walls at all: what runs is the stand-in above. */
const runBoxed: RunBoxed = (command) => {
  ran.push(command);
  const [program = '', ...args] = command.command;
  const child = spawn(program, args, { env: command.environment, cwd: command.workingFolder });
  child.stdout.on('data', (chunk: Buffer) => command.onOutput('stdout', chunk));
  child.stderr.on('data', (chunk: Buffer) => command.onOutput('stderr', chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ kind: 'exit', code: code ?? 1 })));
};

const environment = () => ({
  PATH: `${root}/bin:/usr/bin:/bin`,
  HOME: root,
  UV_DEFAULT_INDEX: 'https://me:password1@index.example/simple',
  UV_INDEX_CORP_PASSWORD: 'password2',
  UV_PYTHON: '3.12',
  UV_TOOL_DIR: '/home/operator/tools',
  CANARY_KEY: 'canary',
});

const options = () => ({
  environment: environment(),
  cacheFolder: join(root, 'cache'),
  pythonFolder: join(root, 'python'),
});

const installer = (): PackageInstaller =>
  createPackageInstaller({
    source: createUvSource(options()),
    store: createPackageStore({
      folder: join(root, 'uvx'),
      unusedAfterMs: 1_000_000,
      clock: { now: () => Date.now() },
    }),
    runBoxed,
    slots: createSlots(1),
    timeoutMs: 60_000,
    limits: { memoryBytes: 1, cpus: 1, pids: 1, diskBytes: 1 },
  });

const request = (changes: Partial<PackageRequest> = {}): PackageRequest => ({
  name: 'mcp-server',
  version: null,
  digest: null,
  allowScripts: false,
  allowUnisolated: false,
  ...changes,
});
const asked = () => ({ signal: new AbortController().signal, onProgress: () => {} });

describe('createUvSource', () => {
  it('is available where uv is on the PATH, and says why where it is not', async () => {
    expect(await createUvSource(options()).available()).toEqual({ ok: true });
    await rm(join(root, 'bin/uv'));
    const without = createUvSource({ ...options(), environment: { PATH: join(root, 'bin') } });
    expect(await without.available()).toEqual({
      ok: false,
      reason: expect.stringContaining('uv is not on the PATH'),
    });
  });

  it('looks up, makes an environment, installs, and runs the script with its Python', async () => {
    const made = installer();
    const installed = await made.install(request(), asked());
    expect(installed).toMatchObject({ version: '1.2.3', digest: expect.stringMatching(/^record-sha256-/) });
    expect(ran.map(({ command }) => command.slice(1, 3).join(' '))).toEqual([
      'pip compile',
      'venv --no-project',
      'pip install',
    ]);
    const { command } = await made.program(installed, null);
    expect(command).toEqual([
      join(installed.folder, 'venv/bin/python'),
      join(installed.folder, 'venv/bin/mcp-server'),
    ]);
    ran = [];
    expect(await made.install(request({ version: '1.2.3' }), asked())).toEqual(installed);
    expect(ran).toEqual([]);
  });

  it('gives uv the index settings of the operator, and nothing else of our environment', async () => {
    const installed = await installer().install(request(), asked());
    const seen = await readFile(join(installed.folder, 'venv/environment'), 'utf8');
    expect(seen).toContain('UV_DEFAULT_INDEX=https://me:password1@index.example/simple');
    expect(seen).toContain('UV_PYTHON=3.12');
    expect(seen).not.toMatch(/canary|UV_TOOL_DIR/);
  });

  it('keeps credentials from code that is built', async () => {
    await writeFile(join(root, '.netrc'), 'machine index.example login me password password3');
    await writeFile(join(root, '.config/uv/uv.toml'), 'offline = false\n');
    const installed = await installer().install(request({ allowScripts: true }), asked());
    const seen = await readFile(join(installed.folder, 'venv/environment'), 'utf8');
    expect(seen).toContain('UV_PYTHON=3.12');
    expect(seen).not.toMatch(/password|NETRC/);
    const last = ran.at(-1);
    expect(last).toMatchObject({ identity: 'scripts' });
    expect(last?.command).not.toContain('--no-build');
    expect(last?.command.join(' ')).toContain('--config-file=');
    expect(last?.writable).not.toContain(join(root, 'cache'));
    expect(ran.slice(0, -1).every(({ identity }) => identity === 'installer')).toBe(true);
  });

  it('tells of a package that is nowhere', async () => {
    await expect(installer().install(request({ name: 'missing' }), asked())).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      infrastructure: false,
      message: expect.stringContaining('no package missing'),
    });
  });

  it('refuses programs that are not there or lead outside', async () => {
    const made = installer();
    const installed = await made.install(request(), asked());
    await expect(made.program(installed, 'third')).rejects.toThrow(
      /no program "third", only mcp-server, other/,
    );
    await expect(made.program(installed, 'other')).rejects.toThrow(/not installed/);
    await symlink('/bin/sh', join(installed.folder, 'venv/bin/other'));
    await expect(made.program(installed, 'other')).rejects.toThrow(/outside of the package/);
  });
});

describe('uvDigest', () => {
  it('does not depend on where the package lies', async () => {
    const folderOf = async (name: string): Promise<string> => {
      const folder = join(root, name);
      const info = join(folder, 'venv/lib/python3.12/site-packages/a_b-1.0.dist-info');
      await mkdir(info, { recursive: true });
      await writeFile(
        join(info, 'RECORD'),
        `a/x.py,sha256=1,1\n../../../bin/x,sha256=${name},1\na/__pycache__/x.pyc,,\n`,
      );
      return folder;
    };
    const digests = await Promise.all(
      ['one', 'two'].map(async (name) =>
        uvDigest({ folder: await folderOf(name), name: 'A.b', version: '1.0' }),
      ),
    );
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).toMatch(/^record-sha256-/);
  });
});

describe('consoleScripts', () => {
  it('reads the names of programs and nothing else', () => {
    const text =
      '[gui_scripts]\ngui = x:y\n\n[console_scripts]\n# comment\none = a:b\r\ntwo=c:d [extra]\n../up = e:f\n[other]\nx=y';
    expect(consoleScripts(text)).toEqual(['one', 'two']);
  });
});
