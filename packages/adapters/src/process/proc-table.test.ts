// The table of processes, and who descends from whom.
import { expect, it } from 'vitest';
import {
  createProcessTables,
  descendantsOf,
  parsePs,
  readProcessTable,
  type ProcessTable,
} from './proc-table.ts';

const tableOf = (parents: Record<number, number>): ProcessTable =>
  new Map(
    Object.entries(parents).map(([pid, parent]) => [
      Number(pid),
      { pid: Number(pid), isZombie: false, parent, cpuSeconds: 0, startTime: '1', residentBytes: null },
    ]),
  );

it('finds descendants of several roots, without the roots, also in circles', () => {
  const table = tableOf({ 1: 0, 2: 1, 3: 2, 4: 3, 5: 1, 6: 5, 7: 99, 8: 9, 9: 8 });
  expect(descendantsOf(table, [2]).sort()).toEqual([3, 4]);
  expect(descendantsOf(table, [2, 5]).sort()).toEqual([3, 4, 6]);
  expect(descendantsOf(table, [2, 3])).toEqual([4]);
  expect(descendantsOf(table, [8])).toEqual([9]);
  expect(descendantsOf(table, [12])).toEqual([]);
});

it('parses ps', () => {
  const text =
    '    1     0   1234  1-02:03:04 Sun Nov 22 09:00:00 2026\n  42     1    88   12:34.56 Sun Nov 22 10:00:00 2026 \n\n';
  expect([...parsePs(text).values()]).toEqual([
    {
      pid: 1,
      isZombie: false,
      parent: 0,
      residentBytes: 1234 * 1024,
      cpuSeconds: 93_784,
      startTime: 'Sun Nov 22 09:00:00 2026',
    },
    {
      pid: 42,
      isZombie: false,
      parent: 1,
      residentBytes: 88 * 1024,
      cpuSeconds: 754.56,
      startTime: 'Sun Nov 22 10:00:00 2026',
    },
  ]);
});

it('reads the table of this machine', async () => {
  const table = await readProcessTable();
  expect(table.get(process.pid)?.parent).toBe(process.ppid);
});

it('shares one reading among those who ask at the same time', async () => {
  let readings = 0;
  const tables = createProcessTables(() => {
    readings += 1;
    return Promise.resolve(tableOf({}));
  });
  await Promise.all([tables.read(60_000), tables.read(60_000), tables.read(60_000)]);
  expect(readings).toBe(1);
  await tables.read(-1);
  expect(readings).toBe(2);
});
