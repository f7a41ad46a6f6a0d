// Readers of the channel `servers` at each door: how late each event comes, and whether it is the next one.
import { createInsightLoopClient } from '@insightloop/client';
import { webSocketStreams } from '@insightloop/client/websocket';
import { Agent, get } from 'node:http';
import { WebSocket } from 'ws';

export const doors = ['sse', 'ws', 'sdk-sse', 'sdk-ws'] as const;
export type DoorName = (typeof doors)[number];

export interface ReaderFigures {
  received: number;
  lost: number;
  doubled: number;
  /** Connections that ended by themselves. */
  cuts: number;
  /** In ms, of each event or of every so many. */
  lateMs: number[];
}

export interface LiveReader {
  /** Resolves when it is subscribed: whatever is told from then on has to come. */
  begun: Promise<void>;
  /** The number of the last event that came. */
  seen(): number;
  leave(): void;
}

const agent = new Agent({ keepAlive: false, maxSockets: Infinity });

export const newFigures = (): ReaderFigures => ({ received: 0, lost: 0, doubled: 0, cuts: 0, lateMs: [] });

/** Counts an event by its number, which stands in its `server_id` as `n-<number>`. */
function createCounter(figures: ReaderFigures, sampleEvery: number) {
  let seen: number | null = null;
  return {
    seen: () => seen ?? 0,
    event(number: number, toldAt: number): void {
      figures.received += 1;
      if (seen !== null && number <= seen) figures.doubled += 1;
      if (seen !== null && number > seen + 1) figures.lost += number - seen - 1;
      seen = Math.max(seen ?? 0, number);
      if (figures.received % sampleEvery === 0) figures.lateMs.push(Date.now() - toldAt);
    },
    gap(): void {
      figures.lost += 1;
    },
    /** Nothing was told before this number: the next one has to be the one behind it. */
    beginsAt(number: number): void {
      seen ??= number;
    },
    cut(): void {
      figures.cuts += 1;
    },
  };
}
type Counter = ReturnType<typeof createCounter>;

const numberIn = /"server_id":"n-(\d+)"/;
const timeIn = /"timestamp":"([^"]+)"/;

function countJson(counter: Counter, text: string): void {
  const number = numberIn.exec(text)?.[1];
  if (text.includes('"type":"gap"')) counter.gap();
  else if (number !== undefined) counter.event(Number(number), Date.parse(timeIn.exec(text)?.[1] ?? ''));
}

export interface ReaderOptions {
  figures: ReaderFigures;
  /** One event in so many is measured. */
  sampleEvery?: number;
}

export function openReader(
  door: DoorName,
  url: string,
  { figures, sampleEvery = 1 }: ReaderOptions,
): LiveReader {
  const counter = createCounter(figures, sampleEvery);
  const begun = Promise.withResolvers<void>();
  const leaving = new AbortController();
  const start = { sse: readSse, ws: readWs, 'sdk-sse': readSdk, 'sdk-ws': readSdk }[door];
  start({ door, url, counter, begun: begun.resolve, signal: leaving.signal });
  return { begun: begun.promise, seen: counter.seen, leave: () => leaving.abort() };
}

interface Parts {
  door: DoorName;
  url: string;
  counter: Counter;
  begun: () => void;
  signal: AbortSignal;
}

/** As an EventSource: comes back under the last id. */
function readSse({ url, counter, begun, signal }: Parts): void {
  let lastId: string | null = null;
  const connect = (): void => {
    if (signal.aborted) return;
    const request = get(`${url}/api/events/servers`, {
      agent,
      headers: lastId === null ? {} : { 'last-event-id': lastId },
    });
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      isOver = true;
      signal.removeEventListener('abort', end);
      counter.cut();
      request.destroy();
      if (!signal.aborted) setTimeout(connect, 20);
    };
    const end = (): void => void request.destroy();
    signal.addEventListener('abort', end);
    request.on('error', again).on('close', again);
    request.on('response', (answer) => {
      let rest = '';
      answer.setEncoding('utf8').on('error', again);
      answer.on('data', (chunk: string) => {
        const frames = (rest + chunk).split('\n\n');
        rest = frames.pop() ?? '';
        for (const frame of frames) {
          const id = /^id: (.+)$/m.exec(frame)?.[1];
          countJson(counter, frame);
          if (id === undefined) continue;
          lastId = id;
          begun();
        }
      });
    });
  };
  connect();
}

/** As the specification's example, and with `resume_from` where it was cut. */
function readWs({ url, counter, begun, signal }: Parts): void {
  let lastId: string | null = null;
  const connect = (): void => {
    if (signal.aborted) return;
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { perMessageDeflate: false });
    const end = (): void => void socket.terminate();
    signal.addEventListener('abort', end);
    socket.on('error', () => undefined);
    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'subscribe', channels: ['servers'], resume_from: lastId }));
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      countJson(counter, text);
      lastId = /"id":"([^"]+)"/.exec(text)?.[1] ?? lastId;
      begun();
    });
    socket.on('close', () => {
      signal.removeEventListener('abort', end);
      counter.cut();
      if (!signal.aborted) setTimeout(connect, 20);
    });
  };
  connect();
}

function readSdk({ door, url, counter, begun, signal }: Parts): void {
  const client = createInsightLoopClient({
    baseUrl: url,
    ...(door === 'sdk-ws' && { streams: webSocketStreams }),
  });
  const read = async (): Promise<void> => {
    // Only what had begun comes back by itself.
    while (!signal.aborted) {
      const events = client.events.subscribe({ channels: ['servers'] }, { signal });
      if (
        !(await events.open().then(
          () => true,
          () => false,
        ))
      )
        continue;
      begun();
      for await (const { data } of events)
        if (data.type === 'gap') counter.gap();
        else if ('server_id' in data)
          counter.event(Number(data.server_id.slice(2)), data.timestamp.getTime());
    }
  };
  void read();
}

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};
