// Newline-delimited JSON-RPC over the stdin and stdout of a server.
import { McpRequestError } from '@insightloop/core';
import type { Readable, Writable } from 'node:stream';
import { FrameReader } from './frame-reader.ts';
import { isTooDeep, readMessage, type Outgoing } from './message.ts';
import { answeredId, tooLargeAnswer, unreadableAnswer } from './unreadable.ts';
import { maxFrameBytes, type Wire, type WireListener } from './wire.ts';

/** What waits here for a server that does not read, beyond what the pipe and the stream hold. */
const maxQueuedBytes = 64 * 1024 * 1024;

/** A stray line longer than this is cut: it goes into a log. */
const maxStrayLength = 8 * 1024;

export interface StdioStreams {
  stdin: Writable;
  stdout: Readable;
}

export class StdioWire implements Wire {
  readonly #stdin: Writable;
  readonly #stdout: Readable;
  readonly #onStrayOutput: (line: string) => void;
  readonly #frames: FrameReader;
  #listener: WireListener | null = null;
  /** In order, while the stream asks us to wait for `drain`. */
  #queue: { text: string; id: string | null }[] = [];
  #queuedBytes = 0;
  #waiting = false;
  #corked = false;
  #closed = false;

  constructor(streams: StdioStreams, onStrayOutput: (line: string) => void) {
    this.#stdin = streams.stdin;
    this.#stdout = streams.stdout;
    this.#onStrayOutput = onStrayOutput;
    this.#frames = new FrameReader(
      { onFrame: (text) => this.#onFrame(text), onTooLong: (ends) => this.#onTooLong(ends) },
      maxFrameBytes,
    );
  }

  listen(listener: WireListener): void {
    this.#listener = listener;
    this.#stdin.on('drain', this.#onDrain).on('error', this.#onInputError);
    this.#stdout.on('end', this.#onEnd).on('close', this.#onEnd).on('error', this.#onOutputError);
    this.#stdout.on('data', this.#onData);
    // What ended before anybody listened does not end again.
    if (this.#stdout.readableEnded || this.#stdout.destroyed) setImmediate(this.#onEnd);
  }

  send(message: Outgoing): undefined {
    const text = frameOf(message);
    if (this.#waiting) this.#enqueue(text, 'method' in message && 'id' in message ? message.id : null);
    else this.#write(text);
  }

  cancel(id: string, reason: string): void {
    const at = this.#queue.findIndex((queued) => queued.id === id);
    const [unsent] = at === -1 ? [] : this.#queue.splice(at, 1);
    if (unsent !== undefined) {
      this.#queuedBytes -= unsent.text.length;
      return;
    }
    // A server that reads nothing loses nothing with this notification.
    if (this.#queuedBytes > maxQueuedBytes / 2 || !this.#stdin.writable) return;
    this.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } });
  }

  /** The streams stay as they are: they belong to whoever runs the server, and their errors still need an ear. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#frames.stop();
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#stdout.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.#stdout.off('error', this.#onOutputError).on('error', ignore);
    this.#stdin.off('drain', this.#onDrain).off('error', this.#onInputError).on('error', ignore);
    // Unread output would stop a server that goes on writing.
    this.#stdout.resume();
    return Promise.resolve();
  }

  #enqueue(text: string, id: string | null): void {
    if (this.#queuedBytes + text.length > maxQueuedBytes) {
      throw new McpRequestError(
        'overloaded',
        'The server does not read its input fast enough; try again later.',
      );
    }
    this.#queue.push({ text, id });
    this.#queuedBytes += text.length;
  }

  /** What is sent within one turn of the event loop leaves in one system call. */
  #write(text: string): void {
    if (!this.#stdin.writable) throw new McpRequestError('unsent', 'The server no longer reads its input.');
    if (!this.#corked) {
      this.#corked = true;
      this.#stdin.cork();
      process.nextTick(this.#uncork);
    }
    if (!this.#stdin.write(text)) this.#waiting = true;
  }

  readonly #uncork = (): void => {
    this.#corked = false;
    this.#stdin.uncork();
  };

  readonly #onDrain = (): void => {
    const queue = this.#queue;
    this.#waiting = false;
    const ready = (): boolean => !this.#waiting && this.#stdin.writable;
    let sent = 0;
    for (; sent < queue.length && ready(); sent++) {
      const text = queue[sent]?.text ?? '';
      this.#write(text);
      this.#queuedBytes -= text.length;
    }
    this.#queue = queue.slice(sent);
  };

  readonly #onData = (chunk: unknown): void => {
    this.#frames.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
  };

  readonly #onEnd = (): void => {
    if (this.#closed) return;
    this.#frames.end();
    this.#listener?.onClosed('The server closed its output.');
  };

  readonly #onOutputError = (error: Error): void => {
    this.#listener?.onClosed(`The output of the server failed: ${error.message}`);
  };

  readonly #onInputError = (error: Error): void => {
    this.#listener?.onClosed(`The input of the server failed: ${error.message}`);
  };

  #onFrame(text: string): void {
    if (text === '') return;
    const parsed = parseFrame(text);
    if (parsed === undefined) {
      const id = answeredId(text.slice(0, endLength), text.slice(-endLength));
      if (id !== null) this.#listener?.onLost(id, unreadableAnswer());
      this.#stray(text);
      return;
    }
    // A batch is legal in 2025-03-26.
    const messages = (Array.isArray(parsed) ? parsed : [parsed]).map(readMessage);
    for (const message of messages) {
      if (message !== null && !this.#closed) this.#listener?.onMessage(message);
    }
    if (messages.includes(null)) this.#stray(text);
  }

  #onTooLong({ head, tail }: { head: string; tail: string }): void {
    const id = answeredId(head, tail);
    if (id !== null) this.#listener?.onLost(id, tooLargeAnswer());
    else if (/^\s*\{/.test(head) && !/"method"\s*:/.test(head))
      this.#listener?.onUnidentified(tooLargeAnswer());
    this.#stray(`${head.slice(0, endLength)}… (a line of more than ${maxFrameBytes} bytes)`);
  }

  #stray(line: string): void {
    const text = line.trimEnd();
    if (text !== '')
      this.#onStrayOutput(text.length > maxStrayLength ? `${text.slice(0, maxStrayLength)}…` : text);
  }
}

function frameOf(message: Outgoing): string {
  const text = stringify(message);
  // A string of this length cannot be longer in UTF-8; counting the bytes of every frame would cost more than sending it.
  const bytes = text.length * 3 <= maxFrameBytes ? 0 : Buffer.byteLength(text);
  if (bytes > maxFrameBytes) {
    throw new McpRequestError('too-large', `The request is larger than ${maxFrameBytes} bytes.`);
  }
  return text;
}

function stringify(message: Outgoing): string {
  try {
    return `${JSON.stringify(message)}\n`;
  } catch (cause) {
    throw new McpRequestError('too-large', 'The request is nested too deeply to be sent.', { cause });
  }
}

const endLength = 512;

/** Undefined for what is no JSON. Some servers begin their output with a byte order mark. */
function parseFrame(text: string): unknown {
  const json = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (isTooDeep(json)) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const ignore = (): void => {};
