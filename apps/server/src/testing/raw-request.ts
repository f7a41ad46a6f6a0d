// A request written byte by byte: for what no HTTP client would send, and for answers before their end.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  status: number;
  /** By lower-case name. */
  headers: Readonly<Record<string, string>>;
  /** As far as it had come, in latin1: all of a body, or the beginning of a stream. */
  body: string;
}

const answersWithinMs = 10_000;

/**
 * Writes the head, an empty line and the body; the caller names every header, Host too. Reads one answer, of a stream
 * or an upgrade its head, and leaves.
 * @throws Error when there is no whole answer within 10 s
 */
export async function rawRequest(
  to: { port: number; address?: string },
  head: readonly string[],
  body = '',
): Promise<RawAnswer> {
  const socket = connect(to.port, to.address ?? '127.0.0.1');
  const timer = setTimeout(() => socket.destroy(new Error('no answer')), answersWithinMs);
  try {
    await once(socket, 'connect');
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    return await readAnswer(socket);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function readAnswer(socket: Socket): Promise<RawAnswer> {
  let text = '';
  for await (const chunk of socket) {
    // As latin1 one character is one byte, as chunk sizes count.
    text += (chunk as Buffer).toString('latin1');
    const answer = parseAnswer(text);
    if (answer && isWhole(answer)) return answer;
  }
  const answer = parseAnswer(text);
  if (answer) return answer;
  throw new Error(`the connection ended after ${JSON.stringify(text)}`);
}

function parseAnswer(text: string): RawAnswer | null {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const named = Object.fromEntries(headers);
  const rest = text.slice(end + 4);
  const body = named['transfer-encoding'] === 'chunked' && !isStream(named) ? fromChunks(rest) : rest;
  return body === null ? null : { status: Number(statusLine.split(' ')[1]), headers: named, body };
}

/** Null while the last chunk is missing. */
function fromChunks(text: string): string | null {
  let body = '';
  for (let at = 0; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

const isStream = (headers: RawAnswer['headers']): boolean =>
  headers['content-type']?.startsWith('text/event-stream') ?? false;

function isWhole({ status, headers, body }: RawAnswer): boolean {
  if (status === 101 || isStream(headers) || headers['transfer-encoding'] === 'chunked') return true;
  const length = headers['content-length'];
  return length !== undefined && body.length >= Number(length);
}
