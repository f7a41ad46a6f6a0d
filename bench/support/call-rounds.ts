// Rounds of tool calls against several contenders in turns, so that what else the machine does falls on all of them.
import { median } from './report.ts';

export interface Contender {
  name: string;
  call(): Promise<unknown>;
  /** Processor time in ms that everything between us and the server has used so far, the server itself included. */
  cpuMs(): Promise<number>;
  end(): Promise<void>;
}

export interface Round {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuMs: number;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export async function callFor(
  seconds: number,
  { inFlight, contender }: { inFlight: number; contender: Contender },
): Promise<Round> {
  const times: number[] = [];
  const cpuBefore = await contender.cpuMs();
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const caller = async (): Promise<void> => {
    for (let now = performance.now(); now < end; now = performance.now()) {
      await contender.call();
      times.push(performance.now() - now);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const took = performance.now() - begin;
  times.sort((a, b) => a - b);
  return {
    perSecond: (times.length / took) * 1000,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    cpuMs: ((await contender.cpuMs()) - cpuBefore) / times.length,
  };
}

export interface Measured {
  contender: Contender;
  rounds: Round[];
}

export async function inTurns(
  contenders: readonly Contender[],
  { rounds, seconds, inFlight }: { rounds: number; seconds: number; inFlight: number },
): Promise<Measured[]> {
  for (const contender of contenders) await callFor(Math.min(2, seconds), { inFlight, contender });
  const measured: Measured[] = contenders.map((contender) => ({ contender, rounds: [] }));
  for (let round = 0; round < rounds; round += 1)
    for (const { contender, rounds: own } of measured)
      own.push(await callFor(seconds, { inFlight, contender }));
  return measured;
}

export const middle = ({ rounds }: Measured, figure: keyof Round): number =>
  median(rounds.map((round) => round[figure]));
