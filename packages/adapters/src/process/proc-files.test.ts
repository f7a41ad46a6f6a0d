// Parsing what the kernel tells about processes.
import { describe, expect, it } from 'vitest';
import {
  isRunning,
  parseIdMap,
  parseProcessStat,
  parseSmapsRollup,
  parseUid,
  readProcessStat,
} from './proc-files.ts';

describe('parseProcessStat', () => {
  const fields = '1234 0 -1 4194560 91 0 0 0 150 50 20 5 20 0 11 0 987654321 1000 200 18446744073709551615';

  it('takes the parent, the CPU time of it and its children, and the start', () => {
    expect(parseProcessStat(`77 (node) S 12 77 ${fields}`)).toEqual({
      pid: 77,
      isZombie: false,
      parent: 12,
      cpuSeconds: 2.25,
      startTime: '987654321',
    });
  });

  it('is not misled by a name', () => {
    const stat = parseProcessStat(`77 (a) R 1 (b c) Z 12 77 ${fields}`);
    expect(stat).toMatchObject({ pid: 77, parent: 12, isZombie: true, startTime: '987654321' });
  });

  it('makes nothing of something else', () => {
    expect(parseProcessStat('')).toBeNull();
    expect(parseProcessStat('77 (node) S 12')).toBeNull();
  });
});

it('parses memory', () => {
  const text =
    '00400000-7ffd ---p 00000000 00:00 0 [rollup]\nRss:   44788 kB\nPss:   20188 kB\nPss_Dirty:  8692 kB\n';
  expect(parseSmapsRollup(text)).toEqual({ proportionalBytes: 20188 * 1024, residentBytes: 44788 * 1024 });
  expect(parseSmapsRollup('')).toBeNull();
});

it('parses uids', () => {
  expect(parseUid('Name:\tUid: 7\nUid:\t1900000001\t3\t4\t5\n')).toBe(1_900_000_001);
  expect(parseUid('Name:\tnode\n')).toBeNull();
  expect(parseIdMap('         0          0 4294967295\n')).toEqual([{ first: 0, count: 4_294_967_295 }]);
  expect(parseIdMap(' 0 1000 1\n 1 100000 65536\n')).toEqual([
    { first: 0, count: 1 },
    { first: 1, count: 65_536 },
  ]);
});

it('knows a process by its start, not by its pid alone', async () => {
  const own = await readProcessStat(process.pid);
  expect(await isRunning(process.pid, own?.startTime ?? '')).toBe(true);
  expect(await isRunning(process.pid, '1')).toBe(false);
});
