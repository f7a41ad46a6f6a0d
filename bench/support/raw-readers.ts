// Readers that cost as little as can be: bare sockets, in whose bytes events are counted. A thousand whole HTTP and WebSocket
// clients on the same machine take more of it than the service that they measure.
import { connect } from 'node:net';
import type { LiveReader, ReaderFigures } from './live-readers.ts';

export interface RawReaderOptions {
  figures: ReaderFigures;
  /** One event in so many is measured. */
  sampleEvery: number;
}

const before = '"server_id":"n-';
const beforeTime = '"timestamp":"';
/** Nothing that is looked for, from its time to its end, is longer. */
const keptChars = 200;

/** Masked and empty, as a client's has to be: it may come without a ping, and says that somebody is there. */
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const pongMs = 10_000;

const masked = (text: string): Buffer => {
  const body = Buffer.from(text);
  // A mask of zeros changes nothing.
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]);
};

const requests = {
  sse: 'GET /api/events/servers HTTP/1.1\r\nHost: localhost\r\n\r\n',
  ws:
    'GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
};

export function openRawReader(
  door: 'sse' | 'ws',
  url: string,
  { figures, sampleEvery }: RawReaderOptions,
): LiveReader {
  const { port, hostname } = new URL(url);
  const begun = Promise.withResolvers<void>();
  const socket = connect(Number(port), hostname);
  let [rest, seen, isOpen, isBegun] = ['', 0, false, false];
  socket.write(requests[door]);
  const ponging = setInterval(() => door === 'ws' && socket.write(pong), pongMs);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(ponging);
    figures.cuts += 1;
  });

  const begin = (text: string): void => {
    if (!isOpen && text.includes('\r\n\r\n')) {
      isOpen = true;
      if (door === 'ws') socket.write(masked('{"type":"subscribe","channels":["servers"]}'));
    }
    isBegun = text.includes(door === 'ws' ? '"type":"subscribed"' : '\nid: ');
    if (isBegun) begun.resolve();
  };
  const count = (text: string, at: number, number: number): void => {
    figures.received += 1;
    if (number <= seen) figures.doubled += 1;
    figures.lost += Math.max(0, number - seen - 1);
    seen = Math.max(seen, number);
    if ((seen + figures.received) % sampleEvery !== 0) return;
    const time = text.lastIndexOf(beforeTime, at) + beforeTime.length;
    figures.lateMs.push(Date.now() - Date.parse(text.slice(time, text.indexOf('"', time))));
  };

  socket.on('data', (chunk: Buffer) => {
    const text = rest + chunk.toString('latin1');
    if (!isBegun) begin(text);
    let done = 0;
    for (let at = text.indexOf(before); at !== -1; at = text.indexOf(before, at + 1)) {
      const end = text.indexOf('"', at + before.length);
      if (end === -1) break;
      count(text, at, Number(text.slice(at + before.length, end)));
      done = end;
    }
    rest = text.slice(Math.max(done, text.length - keptChars));
  });
  return {
    begun: begun.promise,
    seen: () => seen,
    leave: () => {
      socket.destroy();
    },
  };
}
