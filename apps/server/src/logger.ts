// Our own log: JSON lines on stderr, readable ones where a person looks at a terminal.
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

export const createLogger = (level: string): Logger =>
  process.stderr.isTTY
    ? pino(
        { level },
        pretty({
          colorize: true,
          ignore: 'pid,hostname,request_id',
          translateTime: 'HH:MM:ss',
          sync: true,
          destination: 2,
        }),
      )
    : pino(
        { level, timestamp: () => `,"time":"${new Date().toISOString()}"` },
        pino.destination({ dest: 2, sync: true }),
      );
