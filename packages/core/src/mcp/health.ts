// Whether a server still answers: judged by every answer it gives, and asked when it has been silent for long.
import type { Clock } from '../platform/clock.ts';
import type { McpChannel } from './channel.ts';

export interface HealthOptions {
  /** Silence after which the server is asked. */
  intervalMs: number;
  /** Time that it has for the answer. */
  timeoutMs: number;
  /** Questions in a row without an answer after which it counts as hung. */
  maxMisses: number;
}

export const defaultHealthOptions: HealthOptions = { intervalMs: 10_000, timeoutMs: 5_000, maxMisses: 3 };

export interface HealthWatch {
  /** Tells what was seen of the server elsewhere. A timeout makes the next question come at once. */
  note(evidence: 'answer' | 'timeout'): void;
  /** When it last answered anything; milliseconds since the epoch. */
  readonly lastAnswerAt: number;
  /** Resolves when the server counts as hung; never, when the signal aborts first. */
  readonly unresponsive: Promise<void>;
}

export interface HealthPorts {
  channel: McpChannel;
  clock: Clock;
  signal: AbortSignal;
  /** Told when the server misses its first answer, and when it is well again. */
  onChange: (healthy: boolean) => void;
}

export function watchHealth(ports: HealthPorts, options: HealthOptions): HealthWatch {
  const { channel, clock, signal, onChange } = ports;
  const { promise: unresponsive, resolve: giveUp } = Promise.withResolvers<void>();
  let lastAnswerAt = clock.now();
  let misses = 0;
  let hurry = new AbortController();
  // Not AbortSignal.any: made anew for each rest, it would leave something behind on the signal of the whole run.
  signal.addEventListener('abort', () => {
    hurry.abort();
  });

  const note = (evidence: 'answer' | 'timeout'): void => {
    if (evidence === 'timeout') {
      hurry.abort();
      return;
    }
    lastAnswerAt = clock.now();
    if (misses > 0) onChange(true);
    misses = 0;
  };

  const rest = (ms: number, until: AbortSignal): Promise<void> =>
    clock.sleep(ms, until).catch(() => undefined);

  const ask = async (): Promise<void> => {
    const askedAt = clock.now();
    hurry = new AbortController();
    try {
      await channel.ping({ signal, timeoutMs: options.timeoutMs });
      note('answer');
    } catch {
      // A question that could not even be put, because too much is under way, gets the same time as any other.
      await rest(askedAt + options.timeoutMs - clock.now(), signal);
      // Whatever else came meanwhile speaks for the server: a long list of calls can hold up one answer.
      if (signal.aborted || lastAnswerAt > askedAt) return;
      misses += 1;
      if (misses === 1) onChange(false);
      if (misses >= options.maxMisses) giveUp();
    }
  };

  const dueInMs = (): number =>
    hurry.signal.aborted || misses > 0 ? 0 : options.intervalMs - (clock.now() - lastAnswerAt);

  const watch = async (): Promise<void> => {
    while (!signal.aborted && misses < options.maxMisses) {
      const restMs = dueInMs();
      if (restMs > 0) await rest(restMs, hurry.signal);
      else await ask();
    }
  };
  void watch();

  return {
    note,
    get lastAnswerAt() {
      return lastAnswerAt;
    },
    unresponsive,
  };
}
