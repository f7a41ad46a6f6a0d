// The makers of errors: each gives its own code, and keeps from the caller what is for the log.
import { describe, expect, it } from 'vitest';
import * as errors from './errors.ts';

const cause = new Error('the daemon said: token=hunter2');

/** Every maker, called once; a maker that is missing here fails the test below. */
const made = {
  invalidRequest: errors.invalidRequest('m', [{ path: ['a', 0], code: 'c', message: 'i' }]),
  unauthorized: errors.unauthorized('m'),
  forbidden: errors.forbidden('m'),
  routeNotFound: errors.routeNotFound('m'),
  serverNotFound: errors.serverNotFound('s'),
  taskNotFound: errors.taskNotFound('t'),
  toolNotFound: errors.toolNotFound('s', 'echo'),
  deploymentNotFound: errors.deploymentNotFound({ deployment_id: 'd' }),
  secretNotFound: errors.secretNotFound('KEY'),
  methodNotAllowed: errors.methodNotAllowed('PATCH', ['GET', 'PUT']),
  serverAlreadyDeployed: errors.serverAlreadyDeployed('s', 'd'),
  serverNotRunning: errors.serverNotRunning('s', { status: 'stopped' }),
  conflict: errors.conflict('m', { server_id: 's' }),
  payloadTooLarge: errors.payloadTooLarge('m'),
  unsupportedMediaType: errors.unsupportedMediaType('m'),
  invalidConfiguration: errors.invalidConfiguration('m', { field: 'port' }),
  deploymentFailed: errors.deploymentFailed('m', { last_lines: [] }, cause),
  deploymentUnavailable: errors.deploymentUnavailable('m', { method: 'docker' }, cause),
  serverNotVerified: errors.serverNotVerified('m'),
  rateLimitExceeded: errors.rateLimitExceeded('logs', 60),
  internalError: errors.internalError(cause),
  orchestrationFailed: errors.orchestrationFailed('m', {}, cause),
  toolCallFailed: errors.toolCallFailed('m', {}, cause),
  discoveryFailed: errors.discoveryFailed('m', 30, cause),
  geminiApiError: errors.geminiApiError('m', {}, cause),
  serviceUnavailable: errors.serviceUnavailable('m', 5, cause),
  toolTimeout: errors.toolTimeout('s', 'echo', 1000),
};

describe('the makers', () => {
  it('are all here', () => {
    const makers = Object.entries(errors).filter(([name]) => name !== 'AppError');
    expect(Object.keys(made).toSorted()).toEqual(makers.map(([name]) => name).toSorted());
  });

  it('give one code each, but for the two sides of a failed deployment', () => {
    const codes = Object.values(made).map(({ code }) => code);
    expect(codes.length - new Set(codes).size).toBe(1);
    expect([made.deploymentFailed.code, made.deploymentUnavailable.code]).toEqual([
      'DEPLOYMENT_FAILED',
      'DEPLOYMENT_FAILED',
    ]);
    expect([made.deploymentFailed.infrastructure, made.deploymentUnavailable.infrastructure]).toEqual([
      false,
      true,
    ]);
  });

  it.each(Object.entries(made))('%s is an AppError that tells nothing of its cause', (_name, error) => {
    expect(error).toBeInstanceOf(errors.AppError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('AppError');
    expect(error.message).not.toBe('');
    expect(error.message + JSON.stringify(error.details)).not.toContain('hunter2');
  });

  it('keep the cause for the log', () => {
    for (const name of ['deploymentFailed', 'internalError', 'serviceUnavailable', 'geminiApiError'] as const)
      expect(made[name].cause).toBe(cause);
  });

  it('say when to try again where that is known', () => {
    expect(made.rateLimitExceeded).toMatchObject({
      retryAfterSeconds: 60,
      details: { group: 'logs', retry_after: 60 },
    });
    expect(made.discoveryFailed).toMatchObject({ retryAfterSeconds: 30, details: { retry_after: 30 } });
    expect(made.serviceUnavailable.retryAfterSeconds).toBe(5);
    expect(made.conflict.retryAfterSeconds).toBeNull();
  });

  it('say what to do next', () => {
    expect(made.serverNotFound.message).toContain('GET /api/servers');
    expect(made.serverNotRunning.message).toContain('POST /api/deploy/s');
    expect(made.serverAlreadyDeployed.message).toContain('POST /api/servers/s/stop');
    expect(made.toolNotFound.message).toContain('GET /api/servers/s/tools');
    expect(made.methodNotAllowed.message).toBe('PATCH is not allowed here; use GET or PUT.');
    expect(made.toolTimeout.message).toContain('timeout_ms');
  });

  it('list what is wrong with a request', () => {
    expect(made.invalidRequest.details).toEqual({ issues: [{ path: ['a', 0], code: 'c', message: 'i' }] });
    expect(errors.invalidRequest('m').details).toEqual({ issues: [] });
  });
});
