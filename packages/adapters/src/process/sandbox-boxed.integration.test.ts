// Installers in boxes: they write where they are told, as who they are told, and see nothing else.
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BoxedCommand } from './package-box.ts';
import type { Without } from './sandbox-detect.ts';
import { openSandboxSite, ordinaryLimits, type SandboxSite } from './testing/sandbox-site.ts';

const kinds: { name: string; without: Without }[] = [
  { name: 'all walls', without: [] },
  { name: 'a uid alone', without: ['namespaces'] },
];

describe.each(kinds)('a box behind $name', ({ without }) => {
  let site: SandboxSite;
  let cache: string;
  let count = 0;
  beforeAll(async () => {
    site = await openSandboxSite({ without });
    cache = join(site.folder, 'cache');
    await mkdir(cache);
    await chmod(cache, 0o700);
    await writeFile(join(site.folder, 'key'), 'canary', { mode: 0o600 });
  });
  afterAll(() => site.end());

  const run = async (script: string, change: Partial<BoxedCommand> = {}) => {
    const output: string[] = [];
    count += 1;
    const exit = await site.sandbox.runBoxed({
      name: `box-${count}`,
      identity: 'installer',
      command: ['/bin/sh', '-c', script],
      workingFolder: cache,
      environment: { NAME: 'value' },
      readOnly: [],
      writable: [cache],
      limits: ordinaryLimits,
      allowUnisolated: false,
      signal: new AbortController().signal,
      onOutput: (stream, chunk) => output.push(`${stream}: ${chunk.toString().trim()}\n`),
      ...change,
    });
    return { exit, output: output.join('') };
  };

  const uidIn = ({ output }: { output: string }): string => /stdout: (\d+)/.exec(output)?.[1] ?? '';

  it('runs where it is told, writes there, and tells what it says and how it ends', async () => {
    const { exit, output } = await run('pwd; echo $NAME; echo problem >&2; echo data > file; exit 4');
    expect(exit).toEqual({ kind: 'exit', code: 4 });
    expect(output.replace('\nstdout: ', '\n')).toContain(`stdout: ${cache}\nvalue\n`);
    expect(output).toContain('stderr: problem\n');
    expect(await readFile(join(cache, 'file'), 'utf8')).toBe('data\n');
  });

  it('is one and the same to its cache as an installer, and somebody else for scripts', async () => {
    const first = await run('id -u; mkdir -p deep/er; echo 1 > deep/er/file; chmod 700 deep');
    const second = await run('id -u; cat deep/er/file');
    expect(first.exit).toEqual({ kind: 'exit', code: 0 });
    expect(second.output.replaceAll('stdout: ', '')).toBe(`${uidIn(first)}\n1\n`);
    expect(site.sandbox.ownsUid((await stat(join(cache, 'deep'))).uid)).toBe(true);
    const own = join(site.folder, 'own');
    await mkdir(own);
    const scripts: Partial<BoxedCommand> = { identity: 'scripts', writable: [own], workingFolder: own };
    const [third, fourth] = await Promise.all([
      run('id -u', scripts),
      run('id -u', { ...scripts, writable: [], workingFolder: '/' }),
    ]);
    expect(new Set([first, third, fourth].map(uidIn)).size).toBe(3);
    const stranger = await run(`cat ${cache}/deep/er/file`, scripts);
    expect(stranger.exit).toEqual({ kind: 'exit', code: 1 });
  });

  it('sees no key of ours and writes nowhere else', async () => {
    const { exit, output } = await run(`cat ${site.folder}/key || touch /usr/new`);
    expect(exit).toEqual({ kind: 'exit', code: 1 });
    expect(output).not.toContain('canary');
    await run(`touch ${site.folder}/new`);
    expect(await readdir(site.folder)).not.toContain('new');
  });

  it('ends with its signal, with all that it has started', async () => {
    const controller = new AbortController();
    const { exit, output } = await run('setsid sleep 4321 & echo begun; sleep 4321', {
      signal: controller.signal,
      onOutput: () => controller.abort(),
    });
    expect(exit).toEqual({ kind: 'stopped' });
    expect(output).toBe('');
    const late = await run('echo never', { signal: AbortSignal.abort() });
    expect(late).toEqual({ exit: { kind: 'stopped' }, output: '' });
  });
});
