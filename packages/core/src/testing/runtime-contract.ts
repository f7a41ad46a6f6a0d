// What every Runtime must do, whatever it runs: functions of a test, processes, containers.
import type { Readable } from 'node:stream';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { LaunchPlan } from '../deployments/launch-plan.ts';
import type { OutputLine, Prepared, PrepareProgress, Runtime, Workload } from '../deployments/runtime.ts';

/**
 * A fresh runtime that can get one package, which obeys these lines on stdin: `say X` and `log X` write X and a newline to
 * stdout and stderr, `mutter X` writes to stderr without a newline, `env NAME` and `args` write to stdout, `ignore` makes
 * it deaf to every polite request to end, `exit N` and `die` (by SIGKILL) end it. It writes `ready` to stderr first.
 */
export interface RuntimeSubject {
  runtime: Runtime;
  /** Newest version, no arguments, stdio; a deployment of its own each time. */
  plan(changes?: Partial<LaunchPlan>): LaunchPlan;
  /** Of a package that is nowhere. */
  unknown: string;
  /** The version that is the newest now. */
  newest: string;
  /** Makes a newer version appear, and returns it. */
  publish(): Promise<string>;
  /** How often the package itself was fetched. */
  downloads(): number;
  /** The next fetch waits. `reached` resolves when it does. */
  holdDownload(): { reached: Promise<void>; release(): void };
  /** Whatever of ours still runs or lies around that should not, in words. */
  leftovers(): Promise<string[]>;
  end(): Promise<void>;
}

/** Against hanging only. */
const timeout = 60_000;
const graceMs = 5_000;

export function describeRuntime(name: string, open: () => Promise<RuntimeSubject>): void {
  describe(`the runtime contract: ${name}`, { timeout }, () => {
    const subjects: RuntimeSubject[] = [];
    const workloads: Workload[] = [];
    /** For the tests of what is prepared already: they share one, because preparing may take seconds. */
    let shared: RuntimeSubject | null = null;

    const opened = async (): Promise<RuntimeSubject> => {
      const subject = await open();
      subjects.push(subject);
      return subject;
    };
    const share = async (): Promise<RuntimeSubject> => (shared ??= await open());
    const started = async (subject: RuntimeSubject, changes?: Partial<LaunchPlan>): Promise<Workload> => {
      const prepared = await prepare(subject.runtime, subject.plan({ version: subject.newest, ...changes }));
      const workload = await subject.runtime.start(prepared, new AbortController().signal);
      workloads.push(workload);
      return workload;
    };

    afterEach(async () => {
      for (const workload of workloads.splice(0)) await workload.stop(0);
      const own = subjects.splice(0);
      const all = shared === null ? own : [...own, shared];
      const left = await Promise.all(all.map((subject) => subject.leftovers()));
      for (const subject of own) await subject.end();
      expect(left.flat()).toEqual([]);
    });
    afterAll(() => shared?.end());

    describe('prepare', () => {
      it('is possible here', async () => {
        const { runtime } = await opened();
        expect(await runtime.available()).toMatchObject({ ok: true });
      });

      it('takes the newest version, and never another one from then on', async () => {
        const subject = await opened();
        const first = await prepare(subject.runtime, subject.plan());
        expect(first.resolvedVersion).toBe(subject.newest);
        expect(first.plan).toMatchObject({ version: subject.newest, digest: first.digest });
        const newer = await subject.publish();
        const again = await prepare(subject.runtime, first.plan);
        expect(again).toEqual(first);
        expect((await prepare(subject.runtime, subject.plan())).resolvedVersion).toBe(newer);
      });

      it('fetches nothing that is there', async () => {
        const subject = await opened();
        const { plan } = await prepare(subject.runtime, subject.plan());
        expect(subject.downloads()).toBe(1);
        await prepare(subject.runtime, plan);
        await prepare(subject.runtime, { ...plan, deploymentId: 'deploy-another' });
        expect(subject.downloads()).toBe(1);
      });

      it('fetches once for two who ask at the same time', async () => {
        const subject = await opened();
        const both = await Promise.all([
          prepare(subject.runtime, subject.plan()),
          prepare(subject.runtime, subject.plan()),
        ]);
        expect(both[0].resolvedVersion).toBe(both[1].resolvedVersion);
        expect(subject.downloads()).toBe(1);
      });

      it('says what it does', async () => {
        const subject = await opened();
        const seen: PrepareProgress[] = [];
        await prepare(subject.runtime, subject.plan(), { onProgress: (progress) => seen.push(progress) });
        expect(seen.length).toBeGreaterThan(0);
        for (const { message } of seen) expect(message).not.toBe('');
      });

      it('ends when the caller leaves, and works the next time', async () => {
        const subject = await opened();
        const abort = new AbortController();
        const hold = subject.holdDownload();
        const first = prepare(subject.runtime, subject.plan(), { signal: abort.signal });
        await Promise.race([hold.reached, first]);
        const left = expect(first).rejects.toThrow('the caller left');
        abort.abort(new Error('the caller left'));
        await left;
        hold.release();
        const prepared = await prepare(subject.runtime, subject.plan());
        expect(prepared.resolvedVersion).toBe(subject.newest);
      });

      it('goes on for the other when one of two leaves', async () => {
        const subject = await opened();
        const abort = new AbortController();
        const hold = subject.holdDownload();
        const first = prepare(subject.runtime, subject.plan(), { signal: abort.signal });
        await Promise.race([hold.reached, first]);
        const second = prepare(subject.runtime, subject.plan());
        const left = expect(first).rejects.toThrow('the caller left');
        abort.abort(new Error('the caller left'));
        await left;
        hold.release();
        expect((await second).resolvedVersion).toBe(subject.newest);
      });

      it('starts nothing for a caller that has left', async () => {
        const subject = await opened();
        const signal = AbortSignal.abort(new Error('the caller left'));
        await expect(prepare(subject.runtime, subject.plan(), { signal })).rejects.toThrow('the caller left');
        expect(subject.downloads()).toBe(0);
      });

      it.each([
        ['a package that is nowhere', { identifier: 'unknown' }],
        ['a version that is nowhere', { version: '99.99.99' }],
      ])('fails for %s, and says so to the caller', async (_, changes) => {
        const subject = await opened();
        const plan = subject.plan('identifier' in changes ? { identifier: subject.unknown } : changes);
        const output: unknown = expect.arrayContaining([expect.any(String)]);
        await expect(prepare(subject.runtime, plan)).rejects.toMatchObject({
          code: 'DEPLOYMENT_FAILED',
          infrastructure: false,
          details: { output },
        });
      });

      it('fails where the content is not what it was', async () => {
        const subject = await opened();
        const plan = subject.plan({ version: subject.newest, digest: 'sha512-of-something-else' });
        await expect(prepare(subject.runtime, plan)).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
      });
    });

    describe('start', () => {
      it('runs the program with its arguments and its environment', async () => {
        const subject = await share();
        const args = ['--flag', 'with space', '$(touch x)', '*', ''];
        const workload = await started(subject, { args, environment: { CANARY: 'value 世界' } });
        const talk = talkTo(workload);
        expect(await talk('env CANARY')).toBe('value 世界');
        expect(JSON.parse((await talk('args')) ?? '')).toEqual(args);
        expect(await talk('say one two')).toBe('one two');
      });

      it('tells what it uses, as long as it runs', async () => {
        const subject = await share();
        const workload = await started(subject);
        await talkTo(workload)('say ready');
        const { memoryBytes: memoryLimitBytes } = subject.plan().limits;
        const stats = await workload.stats();
        expect(stats).toMatchObject({ memoryLimitBytes });
        expect(stats?.memoryBytes).toBeGreaterThan(0);
        expect(stats?.cpuSeconds).toBeGreaterThanOrEqual(0);
        await workload.stop(graceMs);
        expect(await workload.stats()).toBeNull();
      });

      it('hands out every line of the log, in order, and ends', async () => {
        const workload = await started(await share());
        const logs = read(workload.logs());
        const talk = talkTo(workload);
        await talk('log Grüße, 世界');
        for (let line = 1; line <= 200; line += 1) await talk(`log ${line}`);
        await talk('mutter no newline');
        await talk('exit 0');
        const lines = await logs;
        const numbers = Array.from({ length: 200 }, (_, index) => String(index + 1));
        expect(lines.map(({ text }) => text)).toEqual(['ready', 'Grüße, 世界', ...numbers, 'no newline']);
        expect(lines.every(({ stream }) => stream === 'stderr')).toBe(true);
        expect(lines.every(({ timestamp }) => timestamp.getTime() > 0)).toBe(true);
      });

      it('keeps what was logged before anybody read', async () => {
        const workload = await started(await share());
        await talkTo(workload)('log last words');
        await talkTo(workload)('exit 1');
        await workload.exited;
        expect((await read(workload.logs())).map(({ text }) => text)).toEqual(['ready', 'last words']);
      });

      it.each([
        ['exit 0', { kind: 'exit', code: 0 }],
        ['exit 3', { kind: 'exit', code: 3 }],
        ['die', { kind: 'signal', signal: 'SIGKILL' }],
      ])('says how it ended: %s', async (command, reason) => {
        const workload = await started(await share());
        await talkTo(workload)(command);
        expect(await workload.exited).toEqual(reason);
        await workload.stop(graceMs);
        expect(await workload.exited).toEqual(reason);
      });

      it('starts nothing for a caller that has left', async () => {
        const subject = await share();
        const prepared = await prepare(subject.runtime, subject.plan());
        const signal = AbortSignal.abort(new Error('the caller left'));
        await expect(subject.runtime.start(prepared, signal)).rejects.toThrow('the caller left');
        expect(await subject.runtime.owned()).toEqual([]);
      });

      it('leaves nothing when the caller leaves while it starts', async () => {
        const subject = await share();
        const prepared = await prepare(subject.runtime, subject.plan());
        const abort = new AbortController();
        const starting = subject.runtime.start(prepared, abort.signal);
        abort.abort(new Error('the caller left'));
        // It may have been too late; then there is a workload to stop.
        const workload = await starting.catch((error: unknown) => {
          expect(error).toMatchObject({ message: 'the caller left' });
          return null;
        });
        await workload?.stop(graceMs);
        expect(await subject.runtime.owned()).toEqual([]);
      });

      it('keeps two deployments apart', async () => {
        const subject = await share();
        const [one, two] = [await started(subject), await started(subject)];
        await one.stop(graceMs);
        expect(await talkTo(two)('say still here')).toBe('still here');
      });

      it('may follow an end, from the same preparation', async () => {
        const subject = await share();
        const prepared = await prepare(subject.runtime, subject.plan());
        for (let life = 0; life < 3; life += 1) {
          const workload = await subject.runtime.start(prepared, new AbortController().signal);
          workloads.push(workload);
          expect(await talkTo(workload)('say alive')).toBe('alive');
          await workload.stop(graceMs);
        }
      });
    });

    describe('stop', () => {
      it('ends the workload, once, however often it is asked', async () => {
        const workload = await started(await share());
        const logs = read(workload.logs());
        await talkTo(workload)('say ready');
        await Promise.all([workload.stop(graceMs), workload.stop(graceMs)]);
        await workload.stop(graceMs);
        expect(await workload.exited).toEqual({ kind: 'stopped' });
        expect((await logs).map(({ text }) => text)).toEqual(['ready']);
      });

      it('ends one that does not listen', async () => {
        const workload = await started(await share());
        expect(await talkTo(workload)('ignore')).toBe('ignoring');
        await workload.stop(100);
        expect(await workload.exited).toEqual({ kind: 'stopped' });
      });
    });

    describe('owned', () => {
      it('knows what runs, by a record that survives being stored', async () => {
        const subject = await share();
        const workload = await started(subject);
        const { record } = workload;
        expect(record).toMatchObject({ method: subject.runtime.method });
        expect(JSON.parse(JSON.stringify(record))).toEqual(record);
        expect(await subject.runtime.owned()).toEqual([record]);
        await workload.stop(graceMs);
        expect(await subject.runtime.owned()).toEqual([]);
      });

      it('sweeps what runs, and does nothing for what is gone', async () => {
        const subject = await share();
        const [swept, kept] = [await started(subject), await started(subject)];
        await subject.runtime.sweep(swept.record);
        await swept.exited;
        expect(await subject.runtime.owned()).toEqual([kept.record]);
        await subject.runtime.sweep(swept.record);
        expect(await talkTo(kept)('say still here')).toBe('still here');
      });

      it('adopts nothing that is gone', async () => {
        const subject = await share();
        const workload = await started(subject);
        await workload.stop(graceMs);
        expect(await subject.runtime.adopt(workload.record)).toBeNull();
      });
    });
  });
}

const prepare = (
  runtime: Runtime,
  plan: LaunchPlan,
  options: { signal?: AbortSignal; onProgress?: (progress: PrepareProgress) => void } = {},
): Promise<Prepared> =>
  runtime.prepare(plan, { signal: new AbortController().signal, onProgress: () => {}, ...options });

const read = async (lines: AsyncIterable<OutputLine>): Promise<OutputLine[]> => {
  const all: OutputLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
};

/** Sends one command and waits for the line that answers it; null for the commands that have no answer. */
const talkTo = ({ endpoint }: Workload): ((command: string) => Promise<string | null>) => {
  if (endpoint.transport !== 'stdio') throw new Error('The program of the contract speaks over stdio.');
  const { stdin, stdout } = endpoint;
  return async (command) => {
    const answer = /^(?:say|env|args|ignore)/.test(command) ? nextLine(stdout) : null;
    stdin.write(`${command}\n`);
    return answer;
  };
};

const nextLine = (stdout: Readable): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const settle = (): void => {
      stdout.off('data', onData);
      stdout.off('close', onClose);
      stdout.pause();
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8');
      if (!text.includes('\n')) return;
      settle();
      resolve(text.slice(0, text.indexOf('\n')));
    };
    const onClose = (): void => {
      settle();
      reject(new Error('The program ended without an answer.'));
    };
    stdout.on('data', onData);
    stdout.on('close', onClose);
    stdout.resume();
  });
