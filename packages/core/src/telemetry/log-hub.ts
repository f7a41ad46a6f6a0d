// The log of one deployment: cleans, redacts, levels and numbers each line, keeps the last ones, hands all on.
import type { LogArchive } from './log-archive.ts';
import { levelOf } from './log-level.ts';
import { plainText, type LogLine } from './log-line.ts';
import { createRing, type RingReading, type RingReadOptions } from './ring.ts';

/** A line as a server wrote it. */
export interface RawLine {
  timestamp: Date;
  text: string;
}

export interface LogHub {
  /** Never waits: neither for readers nor for the archive. */
  append(line: RawLine): void;
  /** The number of the newest line. */
  readonly last: number;
  /** The last lines that are in memory, oldest first. */
  tail(count: number): LogLine[];
  /**
   * As `tail`, and further back out of the archive, to before our own start.
   * @throws AppError SERVICE_UNAVAILABLE when the archive cannot be read
   */
  history(count: number): Promise<LogLine[]>;
  /**
   * The lines behind a number and then those that come; a reader that is too slow is told how many it missed.
   * @throws RangeError for a number that never was
   */
  follow(options: RingReadOptions): AsyncIterable<RingReading<LogLine>>;
  /** What comes behind a number, or null when that is the end. */
  next(after: number): RingReading<LogLine> | null;
  /** Followers at this moment. */
  readonly readers: number;
}

export interface LogHubOptions {
  serverId: string;
  deploymentId: string;
  /** Takes the secrets of the deployment out of a text. */
  redact: (text: string) => string;
  archive: LogArchive;
  /** Told of each line, as it is kept. */
  onLine?: (line: LogLine) => void;
  /** Lines in memory. */
  keep?: number;
  /** Of the last line in the archive, where the deployment has lived before: numbers go on behind it. */
  lastNumber?: number;
}

const defaultKeep = 2_000;
/** Of messages in memory, so that a few long lines do not weigh as much as thousands of short ones are meant to. */
const keepBytes = 2 * 1024 * 1024;
/** Sources cut their lines at 16 KiB; this holds whoever does not. In characters. */
const maxMessageLength = 32 * 1024;

export function createLogHub(options: LogHubOptions): LogHub {
  const { serverId, deploymentId, redact, archive, onLine, keep = defaultKeep, lastNumber = 0 } = options;
  const ring = createRing<LogLine>({
    capacity: keep,
    lastNumber,
    bytes: { limit: keepBytes, of: ({ message }) => message.length * 2 },
  });

  const tail = (count: number): LogLine[] => {
    const lines: LogLine[] = [];
    for (let number = Math.max(ring.oldest, ring.last - count + 1); number <= ring.last; number += 1) {
      const line = ring.at(number);
      if (line) lines.push(line);
    }
    return lines;
  };

  return {
    append({ timestamp, text }) {
      const whole = redact(plainText(text));
      const message = whole.length > maxMessageLength ? `${whole.slice(0, maxMessageLength)} … [cut]` : whole;
      const line: LogLine = {
        number: ring.last + 1,
        timestamp,
        level: levelOf(message),
        message,
        source: 'mcp-server',
        server_id: serverId,
        deployment_id: deploymentId,
      };
      ring.append(line);
      archive.append(deploymentId, [line]);
      onLine?.(line);
    },
    get last() {
      return ring.last;
    },
    tail,
    async history(count) {
      if (ring.last - ring.oldest + 1 >= count || ring.oldest === 1) return tail(count);
      const archived = await archive.tail(deploymentId, count);
      // Read after waiting: lines may have come meanwhile, and others may have left the memory for the archive.
      const held = tail(count);
      const first = held[0]?.number ?? ring.last + 1;
      return [...archived.filter(({ number }) => number < first), ...held].slice(-count);
    },
    follow: (readOptions) => ring.read(readOptions),
    next: ring.next,
    get readers() {
      return ring.readers;
    },
  };
}
