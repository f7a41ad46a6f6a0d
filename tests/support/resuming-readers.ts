// Many readers of one event stream, each cut at random moments and coming back: what they missed, what they saw twice.
import { Agent, get, type IncomingMessage } from 'node:http';

export interface ReadersOptions {
  /** The stream; its events carry the number `n` as `server_id: "n-<n>"`, counting up by one. */
  url: string;
  readers: number;
  /** Between 0 and 1; the same numbers give the same cuts. */
  random: () => number;
  /** A connection that stands is cut after at most so long; one in ten is cut before it was answered. */
  longestMs: number;
}

export interface Outcome {
  /** Events that were received, by all readers together. */
  received: number;
  cuts: number;
  lost: number;
  doubled: number;
  /** Answers that were no stream. */
  refused: number;
}

export interface ResumingReaders {
  /** Resolves when every reader has seen its first event: from then on nothing may be missing. */
  begun: Promise<void>;
  /** Lets every reader come as far as event `last`, then ends them all. */
  finish(last: number): Promise<Outcome>;
}

/** How far a reader has come. */
interface Place {
  cursor: string | null;
  seen: number;
}

export function startReaders({ url, readers, random, longestMs }: ReadersOptions): ResumingReaders {
  const outcome: Outcome = { received: 0, cuts: 0, lost: 0, doubled: 0, refused: 0 };
  // No connection is used twice: each cut is a real one.
  const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
  let last = Infinity;

  const reader = async (onBegun: () => void): Promise<void> => {
    const place: Place = { cursor: null, seen: -1 };
    const take = (id: string, n: number): void => {
      outcome.received += 1;
      if (place.cursor === null) onBegun();
      else if (n <= place.seen) outcome.doubled += 1;
      else outcome.lost += n - place.seen - 1;
      place.cursor = id;
      place.seen = Math.max(place.seen, n);
    };
    const isDone = (): boolean => place.seen >= last;
    while (!isDone()) {
      const isHasty = random() < 0.1;
      const lifeMs = random() * longestMs;
      await connection({ url, agent, cursor: place.cursor, isHasty, lifeMs, take, isDone }, outcome);
    }
  };

  const beginnings: Promise<void>[] = [];
  const ends = Array.from({ length: readers }, () => {
    const begun = Promise.withResolvers<void>();
    beginnings.push(begun.promise);
    return reader(begun.resolve);
  });
  const ended = Promise.all(ends);
  ended.catch(() => undefined);
  return {
    begun: Promise.race([Promise.all(beginnings), ended]).then(() => undefined),
    finish: async (number) => {
      last = number;
      await ended;
      agent.destroy();
      return outcome;
    },
  };
}

interface Connection {
  url: string;
  agent: Agent;
  cursor: string | null;
  isHasty: boolean;
  lifeMs: number;
  take(id: string, n: number): void;
  isDone(): boolean;
}

/** One connection, until it is cut. @throws Error when it cannot be made, or ends by itself */
async function connection(options: Connection, outcome: Outcome): Promise<void> {
  const { url, agent, cursor, isHasty, lifeMs, take, isDone } = options;
  const headers = cursor === null ? {} : { 'last-event-id': cursor };
  const request = get(url, { agent, headers });
  const cutting = new AbortController();
  const cut = (): void => {
    cutting.abort();
    request.destroy();
  };
  // Time runs from the answer on: where the machine is slow, everybody would else leave before anything was said.
  let timer = isHasty ? setTimeout(cut, 1) : undefined;
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', reject);
    });
    if (answer.statusCode !== 200) {
      outcome.refused += 1;
      throw new Error(`the stream was refused with ${answer.statusCode}`);
    }
    timer ??= setTimeout(cut, lifeMs);
    answer.setEncoding('utf8');
    let text = '';
    for await (const chunk of answer) {
      const frames = (text + String(chunk)).split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) readFrame(frame, { take, outcome });
      if (isDone()) return;
    }
    throw new Error('the stream ended by itself');
  } catch (error) {
    if (!cutting.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    request.destroy();
    outcome.cuts += 1;
  }
}

function readFrame(frame: string, { take, outcome }: { take: Connection['take']; outcome: Outcome }): void {
  const id = /^id: (.+)$/m.exec(frame)?.[1];
  const number = /"server_id":"n-(\d+)"/.exec(frame)?.[1];
  // The log no longer held what this reader had missed.
  if (frame.includes('event: gap')) outcome.lost += 1;
  if (id !== undefined && number !== undefined) take(id, Number(number));
}

/** Mulberry32: a small generator of random numbers that can be repeated. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
