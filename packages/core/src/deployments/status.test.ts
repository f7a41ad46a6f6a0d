// Which status may follow which, row by row.
import { expect, it } from 'vitest';
import { deploymentStatuses, isComing, isLive, isServing, mayFollow } from './status.ts';

it('follows the table', () => {
  const table = Object.fromEntries(
    deploymentStatuses.map((from) => [from, deploymentStatuses.filter((to) => mayFollow(from, to))]),
  );
  expect(table).toEqual({
    starting: ['running', 'restarting', 'stopping', 'failed'],
    running: ['degraded', 'restarting', 'stopping', 'failed'],
    degraded: ['running', 'restarting', 'stopping', 'failed'],
    restarting: ['running', 'stopping', 'failed'],
    stopping: ['stopped'],
    stopped: ['starting'],
    failed: ['starting'],
  });
});

it('asks the questions of each status', () => {
  const ask = (question: (status: (typeof deploymentStatuses)[number]) => boolean) =>
    deploymentStatuses.filter(question);
  expect(ask(isLive)).toEqual(['starting', 'running', 'degraded', 'restarting', 'stopping']);
  expect(ask(isServing)).toEqual(['running', 'degraded']);
  expect(ask(isComing)).toEqual(['starting', 'restarting']);
});
