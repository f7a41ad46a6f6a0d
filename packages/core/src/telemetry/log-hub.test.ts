// The log of a deployment: what becomes of a line, what is kept, and who is told.
import { describe, expect, it } from 'vitest';
import { MemoryLogArchive } from '../testing/memory-log-archive.ts';
import { createLogHub, type LogHubOptions } from './log-hub.ts';

const timestamp = new Date('2026-01-15T10:00:00Z');

function hubWith(options: Partial<LogHubOptions> = {}) {
  const archive = options.archive ?? new MemoryLogArchive();
  const hub = createLogHub({
    serverId: 'a',
    deploymentId: 'deploy-a',
    redact: (text) => text.replaceAll('hunter22', '[redacted]'),
    archive,
    ...options,
  });
  const say = (from: number, to: number): void => {
    for (let name = from; name <= to; name += 1) hub.append({ timestamp, text: `line ${name}` });
  };
  return { hub, archive, say };
}

const numbers = (lines: { number: number }[]): number[] => lines.map(({ number }) => number);

describe('a line', () => {
  it('is numbered, levelled and told of its deployment', async () => {
    const { hub, archive } = hubWith();
    hub.append({ timestamp, text: '\u001b[31m[ERROR]\u001b[0m the key hunter\u001b[1m22 is wrong\u0007' });
    const line = {
      number: 1,
      timestamp,
      level: 'error',
      message: '[ERROR] the key [redacted] is wrong',
      source: 'mcp-server',
      server_id: 'a',
      deployment_id: 'deploy-a',
    };
    expect(hub.tail(10)).toEqual([line]);
    expect(await archive.tail('deploy-a', 10)).toEqual([line]);
  });

  it('is cut when it is longer than any source should let it be, after the secrets are out', () => {
    const { hub } = hubWith();
    hub.append({ timestamp, text: `${'x'.repeat(32 * 1024 - 4)}hunter22${'x'.repeat(1_000_000)}` });
    const message = hub.tail(1)[0]?.message ?? '';
    expect(message.length).toBeLessThan(33 * 1024);
    expect(message).toMatch(/x\[red … \[cut\]$/);
  });
});

describe('what is kept', () => {
  it('is the last lines', () => {
    const { hub, say } = hubWith({ keep: 5 });
    say(1, 8);
    expect(hub.last).toBe(8);
    expect(numbers(hub.tail(100))).toEqual([4, 5, 6, 7, 8]);
    expect(numbers(hub.tail(2))).toEqual([7, 8]);
    expect(hub.tail(0)).toEqual([]);
  });

  it('has a limit in bytes too', () => {
    const { hub } = hubWith();
    for (let count = 0; count < 200; count += 1) hub.append({ timestamp, text: 'x'.repeat(16 * 1024) });
    expect(hub.tail(1000)).toHaveLength(64);
  });

  it('goes on in the archive, further back than the memory', async () => {
    const { hub, say } = hubWith({ keep: 5 });
    say(1, 20);
    expect(numbers(await hub.history(3))).toEqual([18, 19, 20]);
    expect(numbers(await hub.history(8))).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
    expect(await hub.history(100)).toHaveLength(20);
  });

  it('goes on after a restart of ours, behind the numbers of before', async () => {
    const { archive, say } = hubWith();
    say(1, 10);
    const later = hubWith({ archive, lastNumber: (await archive.tail('deploy-a', 1))[0]?.number ?? 0 });
    expect(numbers(await later.hub.history(3))).toEqual([8, 9, 10]);
    later.say(11, 12);
    expect(numbers(await later.hub.history(4))).toEqual([9, 10, 11, 12]);
    const follow = later.hub.follow({ after: 4, signal: AbortSignal.timeout(10_000) });
    for await (const reading of follow) {
      expect(reading).toEqual({ gap: 6 });
      break;
    }
  });

  it('neither lacks nor doubles lines that come while the archive is read', async () => {
    const inner = new MemoryLogArchive();
    const gate = Promise.withResolvers<void>();
    const { hub, say } = hubWith({
      keep: 5,
      archive: {
        append: (id, lines) => {
          inner.append(id, lines);
        },
        remove: (id) => inner.remove(id),
        tail: async (id, count) => {
          await gate.promise;
          return inner.tail(id, count);
        },
      },
    });
    say(1, 10);
    const history = hub.history(8);
    say(11, 13);
    gate.resolve();
    expect(numbers(await history)).toEqual([6, 7, 8, 9, 10, 11, 12, 13]);
  });
});

describe('following', () => {
  it('tells lines as they come, and a slow reader what it missed', async () => {
    const { hub, say } = hubWith({ keep: 5 });
    const aborter = new AbortController();
    const reader = hub.follow({ after: null, signal: aborter.signal })[Symbol.asyncIterator]();
    say(1, 2);
    expect(await reader.next()).toMatchObject({ value: { number: 1, item: { message: 'line 1' } } });
    say(3, 100_000);
    expect(await reader.next()).toMatchObject({ value: { gap: 99_994 } });
    expect(await reader.next()).toMatchObject({ value: { number: 99_996 } });
    aborter.abort();
    expect(await reader.next()).toMatchObject({ done: true });
    expect(hub.readers).toBe(0);
  });
});
