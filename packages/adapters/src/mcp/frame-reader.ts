// From the bytes of a stream to its lines, with a limit on what is held of one line.

export interface FrameListener {
  /** A line without its newline; it may be empty. */
  onFrame(text: string): void;
  /** A line beyond the limit was skipped; only its two ends were kept, to find out whose answer it was. */
  onTooLong(ends: { head: string; tail: string }): void;
}

/** How much of each end of a skipped line is kept. An id stands at one of them: in between is the result. */
const endBytes = 4 * 1024;

const firstCapacity = 64 * 1024;
const newline = 0x0a;

/**
 * Lines end with a newline byte, which no multi-byte character contains, so a line is decoded as a whole and
 * characters split between chunks need no care. Holds at most twice `maxBytes`.
 */
export class FrameReader {
  readonly #listener: FrameListener;
  readonly #maxBytes: number;
  #held = Buffer.allocUnsafe(firstCapacity);
  #length = 0;
  #skipped: Ends | null = null;
  #stopped = false;

  constructor(listener: FrameListener, maxBytes: number) {
    this.#listener = listener;
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    let start = 0;
    while (!this.#stopped) {
      const end = chunk.indexOf(newline, start);
      if (end === -1) break;
      this.#complete(chunk.subarray(start, end));
      start = end + 1;
    }
    if (!this.#stopped && start < chunk.length) this.#hold(chunk.subarray(start));
  }

  /** The stream is over: what was written last may lack its newline. */
  end(): void {
    if (!this.#stopped && (this.#length > 0 || this.#skipped !== null)) this.#complete(Buffer.alloc(0));
    this.stop();
  }

  /** Nothing is delivered any more, not even the rest of the chunk at hand. */
  stop(): void {
    this.#stopped = true;
    this.#held = Buffer.alloc(0);
    this.#length = 0;
    this.#skipped = null;
  }

  #complete(last: Buffer): void {
    if (this.#length === 0 && this.#skipped === null && last.length <= this.#maxBytes) {
      this.#listener.onFrame(last.toString('utf8'));
      return;
    }
    this.#hold(last);
    const skipped = this.#skipped;
    if (skipped !== null) {
      this.#skipped = null;
      this.#listener.onTooLong(skipped.read());
      return;
    }
    const text = this.#held.toString('utf8', 0, this.#length);
    this.#release();
    this.#listener.onFrame(text);
  }

  #hold(part: Buffer): void {
    if (this.#skipped !== null) {
      this.#skipped.add(part);
      return;
    }
    const length = this.#length + part.length;
    if (length > this.#maxBytes) {
      this.#skipped = new Ends();
      this.#skipped.add(this.#held.subarray(0, this.#length));
      this.#skipped.add(part);
      this.#release();
      return;
    }
    if (length > this.#held.length) this.#grow(length);
    part.copy(this.#held, this.#length);
    this.#length = length;
  }

  /** Copies into one buffer: a list of chunks would cost a hundred bytes for each byte that comes alone. */
  #grow(length: number): void {
    const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#held.length));
    this.#held.copy(grown, 0, 0, this.#length);
    this.#held = grown;
  }

  /** A server that once sent 16 MiB does not keep them occupied. */
  #release(): void {
    this.#length = 0;
    if (this.#held.length > firstCapacity) this.#held = Buffer.allocUnsafe(firstCapacity);
  }
}

/** The first and the last bytes of a line of any length, in two buffers of their own. */
class Ends {
  readonly #head = Buffer.allocUnsafe(endBytes);
  readonly #tail = Buffer.allocUnsafe(endBytes);
  #headLength = 0;
  #tailLength = 0;

  add(part: Buffer): void {
    this.#headLength += part.copy(this.#head, this.#headLength);
    if (part.length >= endBytes) {
      this.#tailLength = part.copy(this.#tail, 0, part.length - endBytes);
      return;
    }
    const kept = Math.min(this.#tailLength, endBytes - part.length);
    this.#tail.copyWithin(0, this.#tailLength - kept, this.#tailLength);
    this.#tailLength = kept + part.copy(this.#tail, kept);
  }

  read(): { head: string; tail: string } {
    return {
      head: this.#head.toString('utf8', 0, this.#headLength),
      tail: this.#tail.toString('utf8', 0, this.#tailLength),
    };
  }
}
