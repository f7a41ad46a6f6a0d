// What a fallen run is to the record and to the one who waits.
import { describe, expect, it } from 'vitest';
import { deploymentUnavailable, invalidConfiguration, internalError } from '../errors.ts';
import { deployError, failureOf, fellBy, fellByExit } from './failure.ts';

const at = new Date('2026-11-22T10:00:00Z');
const subject = { server_id: 'one', deployment_id: 'deploy-1', method: 'npx' };

describe('a fallen run', () => {
  it.each([
    [
      { kind: 'exit', code: 3 },
      { reason: 'exit', code: 3, signal: null, message: 'It ended with code 3 while it served.' },
    ],
    [
      { kind: 'signal', signal: 'SIGSEGV' },
      { reason: 'signal', code: null, signal: 'SIGSEGV' },
    ],
    [{ kind: 'out_of_memory' }, { reason: 'out_of_memory', code: null, signal: null }],
    [{ kind: 'disk_full' }, { reason: 'disk_full' }],
    [{ kind: 'stopped' }, { reason: 'signal', message: 'It was stopped while it served.' }],
  ] as const)('by %j is on record with the last lines', (exit, expected) => {
    const failure = failureOf(fellByExit(exit, 'while it served'), { output: ['last words'], at });
    expect(failure).toMatchObject({ ...expected, output: ['last words'], at });
  });

  it('has the lines of the part that failed, where that has some', () => {
    const error = deploymentUnavailable('no network', { output: ['ETIMEDOUT'] });
    expect(failureOf(fellBy('install', error.message, { error }), { output: [], at }).output).toEqual([
      'ETIMEDOUT',
    ]);
  });
});

describe('what the caller of a deploy gets', () => {
  const told = (end: ReturnType<typeof fellBy>) =>
    deployError(end, failureOf(end, { output: ['last words'], at }), subject);

  it('names the server, the reason and the last lines', () => {
    expect(told(fellByExit({ kind: 'exit', code: 1 }, 'before it spoke MCP'))).toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: 'Failed to deploy "one": It ended with code 1 before it spoke MCP.',
      infrastructure: false,
      details: { ...subject, reason: 'exit', code: 1, signal: null, output: ['last words'] },
    });
  });

  it('is the error of the part that failed, with the same details', () => {
    const error = deploymentUnavailable('npm was not found', { program: 'npm' });
    expect(told(fellBy('install', error.message, { error }))).toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: 'npm was not found',
      infrastructure: true,
      details: { ...subject, program: 'npm', reason: 'install' },
    });
    const wrong = invalidConfiguration('port 80 is taken');
    expect(told(fellBy('start', wrong.message, { error: wrong }))).toMatchObject({
      code: 'INVALID_CONFIGURATION',
    });
  });

  it('says nothing of what broke on our side, and keeps it for the log', () => {
    const cause = new Error('EACCES /var/lib/ours');
    const error = told(fellBy('start', 'Something went wrong on our side.', { error: internalError(cause) }));
    expect(error).toMatchObject({ code: 'INTERNAL_ERROR', cause });
    expect(JSON.stringify([error.message, error.details])).not.toContain('/var/lib');
  });
});
