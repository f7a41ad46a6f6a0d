// PostgreSQL's log: how loud each of its lines is in ours.
import type { Logger } from '@insightloop/core';
import { expect, it } from 'vitest';
import { createJournal } from './journal.ts';

it.each([
  ['LOG:  database system is shut down', 'debug'],
  ['WARNING:  out of something', 'warn'],
  ['ERROR:  no such table', 'warn'],
  ['FATAL:  data directory has wrong ownership', 'error'],
  ['PANIC:  could not write', 'error'],
  // Whoever stops PostgreSQL reads this once for each open connection, and nothing is wrong.
  ['FATAL:  terminating connection due to administrator command', 'debug'],
])('%s is told as %s', (line, level) => {
  const told: string[] = [];
  const tell = (name: string) => () => void told.push(name);
  const log: Logger = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  const journal = createJournal(log);
  journal.add(line);
  journal.add('DETAIL:  more of it');
  expect(told).toEqual([level, level]);
});
