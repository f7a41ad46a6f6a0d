// PostgreSQL's log: told to ours, its last lines kept, and the one line in it that we wait for.
import type { Logger } from '@insightloop/core';

export interface Journal {
  add(line: string): void;
  /** Resolves when PostgreSQL says that it accepts connections. */
  ready: Promise<'ready'>;
  /** The last lines. */
  lines: readonly string[];
}

const keptLines = 30;
const continuations: ReadonlySet<string> = new Set(['DETAIL', 'HINT', 'CONTEXT', 'STATEMENT']);

export function createJournal(log: Logger | undefined): Journal {
  const lines: string[] = [];
  const { promise: ready, resolve: declareReady } = Promise.withResolvers<'ready'>();
  let level: keyof Logger = 'debug';

  return {
    ready,
    lines,
    add(line) {
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
      const severity = /^([A-Z]+): /.exec(line)?.[1];
      if (severity && !continuations.has(severity)) level = levelOf(severity, line);
      log?.[level]({ component: 'postgres' }, line);
      if (line.includes('database system is ready to accept connections')) declareReady('ready');
    },
  };
}

/** FATAL to one connection only: every one that is open when PostgreSQL is stopped, and its user is told of it. */
const connectionEnded = 'terminating connection due to administrator command';

function levelOf(severity: string, line: string): keyof Logger {
  if (line.includes(connectionEnded)) return 'debug';
  if (severity === 'FATAL' || severity === 'PANIC') return 'error';
  return severity === 'WARNING' || severity === 'ERROR' ? 'warn' : 'debug';
}
