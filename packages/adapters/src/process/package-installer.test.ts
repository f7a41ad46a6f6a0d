// Installing, with a source and a box of the test: once for all, within limits, nothing half left behind.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSlots, type PrepareProgress } from '@insightloop/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BoxedCommand, RunBoxed } from './package-box.ts';
import {
  createPackageInstaller,
  type InstallSession,
  type PackageInstaller,
  type PackageRequest,
  type PackageSource,
} from './package-installer.ts';
import { createPackageStore } from './package-store.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'package-installer-'));
});
afterEach(() => rm(root, { recursive: true }));

const request: PackageRequest = {
  name: 'server',
  version: '1.0.0',
  digest: null,
  allowScripts: false,
  allowUnisolated: false,
};
const limits = { memoryBytes: 1, cpus: 1, pids: 1, diskBytes: 1 };

interface Setting {
  fill?: PackageSource['fill'];
  resolve?: PackageSource['resolve'];
  runBoxed?: RunBoxed;
  timeoutMs?: number;
  slots?: number;
}

const installerOf = (setting: Setting): PackageInstaller =>
  createPackageInstaller({
    source: {
      available: () => Promise.resolve({ ok: true }),
      requireValid: () => {},
      isExact: (version) => /^\d/.test(version),
      resolve: setting.resolve ?? (() => Promise.reject(new Error('nothing to look up'))),
      fill: setting.fill ?? (() => Promise.resolve('sha512-x')),
      program: () => Promise.resolve({ command: [], readOnly: [] }),
    },
    store: createPackageStore({ folder: root, unusedAfterMs: 1_000_000, clock: { now: () => Date.now() } }),
    runBoxed: setting.runBoxed ?? (() => Promise.resolve({ kind: 'exit', code: 0 })),
    slots: createSlots(setting.slots ?? 2),
    timeoutMs: setting.timeoutMs ?? 60_000,
    limits,
  });

const asked = () => {
  const abort = new AbortController();
  const messages: string[] = [];
  const onProgress = ({ message }: PrepareProgress): void => void messages.push(message);
  return { abort, messages, options: { signal: abort.signal, onProgress } };
};

const inSession = (session: InstallSession) =>
  session.run({
    identity: 'installer',
    command: ['/x'],
    workingFolder: '/',
    environment: {},
    readOnly: [],
    writable: [],
  });

/** A box in which a command prints and runs until it is ended. */
const endless =
  (text: string): RunBoxed =>
  ({ onOutput, signal }: BoxedCommand) => {
    onOutput('stderr', Buffer.from(text));
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve({ kind: 'stopped' }), { once: true });
    });
  };

describe('createPackageInstaller', () => {
  it('installs once, and then takes what is there', async () => {
    let fills = 0;
    const installer = installerOf({
      async fill(_, __, folder) {
        fills += 1;
        await writeFile(join(folder, 'content'), 'x');
        return 'sha512-x';
      },
    });
    const first = await installer.install(request, asked().options);
    expect(await readdir(first.folder)).toEqual(['content', 'install.json']);
    expect(await installer.install(request, asked().options)).toEqual(first);
    expect(fills).toBe(1);
  });

  it('looks up what a tag means, once for two who ask', async () => {
    let lookUps = 0;
    const installer = installerOf({
      resolve: () => {
        lookUps += 1;
        return Promise.resolve('2.0.0');
      },
    });
    const latest = { ...request, version: null };
    const both = await Promise.all([
      installer.install(latest, asked().options),
      installer.install(latest, asked().options),
    ]);
    expect(both.map(({ version }) => version)).toEqual(['2.0.0', '2.0.0']);
    expect(lookUps).toBe(1);
  });

  it('refuses another content than was pinned, installed already or not', async () => {
    const installer = installerOf({});
    const pinned = { ...request, digest: 'sha512-other' };
    await expect(installer.install(pinned, asked().options)).rejects.toThrow(/content has changed/);
    await expect(installer.install(pinned, asked().options)).rejects.toThrow(/content has changed/);
    expect(await installer.install({ ...request, digest: 'sha512-x' }, asked().options)).toMatchObject({
      digest: 'sha512-x',
    });
  });

  it('leaves nothing of an installation that failed, and tries again when it is asked', async () => {
    let fail = true;
    const installer = installerOf({
      async fill(_, __, folder) {
        await writeFile(join(folder, 'half'), 'x');
        if (fail) throw new Error('broken');
        return null;
      },
    });
    await expect(installer.install(request, asked().options)).rejects.toThrow('broken');
    expect(await readdir(join(root, 'packages'))).toEqual([]);
    expect(await readdir(join(root, 'runs'))).toEqual([]);
    fail = false;
    expect(await installer.install(request, asked().options)).toMatchObject({ digest: null });
  });

  it('ends when its time is up, with what was printed last', async () => {
    const installer = installerOf({
      timeoutMs: 20,
      runBoxed: endless('about to wait\n'),
      fill: async (session) => {
        await inSession(session);
        return null;
      },
    });
    await expect(installer.install(request, asked().options)).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringContaining('took longer than 0.02 s'),
      details: { output: ['about to wait'] },
    });
    expect(await readdir(join(root, 'packages'))).toEqual([]);
  });

  it('ends its command when the last who wanted it has left', async () => {
    const ended = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const installer = installerOf({
      runBoxed: async (boxed) => {
        begun.resolve();
        const exit = await endless('')(boxed);
        ended.resolve();
        return exit;
      },
      fill: async (session) => {
        await inSession(session);
        return null;
      },
    });
    const [one, two] = [asked(), asked()];
    const both = [installer.install(request, one.options), installer.install(request, two.options)];
    const results = Promise.allSettled(both);
    await begun.promise;
    one.abort.abort(new Error('one left'));
    two.abort.abort(new Error('two left'));
    expect(await results).toMatchObject([
      { reason: { message: 'one left' } },
      { reason: { message: 'two left' } },
    ]);
    await ended.promise;
  });

  it('lets only so many install at once, but everybody have what is there', async () => {
    const gate = Promise.withResolvers<null>();
    const begun: string[] = [];
    const installer = installerOf({
      slots: 1,
      fill: (_, { version }) => {
        begun.push(version);
        return version === '1.0.0' ? Promise.resolve(null) : gate.promise;
      },
    });
    await installer.install(request, asked().options);
    const third = asked();
    const slow = [
      installer.install({ ...request, version: '2.0.0' }, asked().options),
      installer.install({ ...request, version: '3.0.0' }, third.options),
    ];
    expect(await installer.install(request, asked().options)).toMatchObject({ version: '1.0.0' });
    expect(begun).not.toContain('3.0.0');
    gate.resolve(null);
    await Promise.all(slow);
    expect(begun).toEqual(['1.0.0', '2.0.0', '3.0.0']);
    expect(third.messages).toEqual([expect.stringContaining('waits for its turn')]);
  });

  it('shows no secret, neither in progress nor in output', async () => {
    const installer = installerOf({
      runBoxed: ({ onOutput }) => {
        onOutput('stdout', Buffer.from('token is hush-hush\n'));
        return Promise.resolve({ kind: 'exit', code: 1 });
      },
      fill: async (session) => {
        session.hide(['hush-hush']);
        session.report({ phase: 'install', message: 'with hush-hush' });
        await inSession(session);
        throw new Error(session.output().join());
      },
    });
    const { options, messages } = asked();
    await expect(installer.install(request, options)).rejects.toThrow('token is [redacted]');
    expect(messages).toContain('with [redacted]');
  });

  it('gives a run a folder that is gone afterwards', async () => {
    let folder = '';
    const installer = installerOf({
      fill: (session) => {
        folder = session.privateFolder;
        return Promise.resolve(null);
      },
    });
    await installer.install(request, asked().options);
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
  });
});
