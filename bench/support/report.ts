// What every measurement says beside its figures: the machine, and a table.
import { cpus } from 'node:os';

export const machineLine = (): string =>
  `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`;

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** One row for each entry, its name first. */
export function printTable(rows: Readonly<Record<string, Readonly<Record<string, string | number>>>>): void {
  console.table(rows);
}

/** Whether a bar is met, in words, and for whoever called us in the exit code. */
export function judge(what: string, isMet: boolean): void {
  console.log(`${isMet ? 'met   ' : 'MISSED'}  ${what}`);
  if (!isMet) process.exitCode = 1;
}
