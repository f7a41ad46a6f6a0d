// The table of codes, row by row as it is documented, and the one envelope.
import { AppError, deploymentFailed, deploymentUnavailable, serverNotFound } from '@insightloop/core';
import { TRPCError, type TRPC_ERROR_CODE_KEY } from '@trpc/server';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { errorEnvelope, RequestError, statusOf, statusTable, toAppError, toErrorBody } from './errors.ts';

/** Written out once more on purpose: a change of the table is a change for every caller. */
const documented = [
  ['INVALID_REQUEST', 400, 'BAD_REQUEST'],
  ['UNAUTHORIZED', 401, 'UNAUTHORIZED'],
  ['FORBIDDEN', 403, 'FORBIDDEN'],
  ['NOT_FOUND', 404, 'NOT_FOUND'],
  ['SERVER_NOT_FOUND', 404, 'NOT_FOUND'],
  ['TASK_NOT_FOUND', 404, 'NOT_FOUND'],
  ['TOOL_NOT_FOUND', 404, 'NOT_FOUND'],
  ['DEPLOYMENT_NOT_FOUND', 404, 'NOT_FOUND'],
  ['SECRET_NOT_FOUND', 404, 'NOT_FOUND'],
  ['METHOD_NOT_ALLOWED', 405, 'METHOD_NOT_SUPPORTED'],
  ['SERVER_ALREADY_DEPLOYED', 409, 'CONFLICT'],
  ['SERVER_NOT_RUNNING', 409, 'CONFLICT'],
  ['CONFLICT', 409, 'CONFLICT'],
  ['PAYLOAD_TOO_LARGE', 413, 'PAYLOAD_TOO_LARGE'],
  ['UNSUPPORTED_MEDIA_TYPE', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['INVALID_CONFIGURATION', 422, 'UNPROCESSABLE_CONTENT'],
  ['DEPLOYMENT_FAILED', 422, 'UNPROCESSABLE_CONTENT'],
  ['SERVER_NOT_VERIFIED', 422, 'UNPROCESSABLE_CONTENT'],
  ['RATE_LIMIT_EXCEEDED', 429, 'TOO_MANY_REQUESTS'],
  ['INTERNAL_ERROR', 500, 'INTERNAL_SERVER_ERROR'],
  ['ORCHESTRATION_FAILED', 502, 'BAD_GATEWAY'],
  ['TOOL_CALL_FAILED', 502, 'BAD_GATEWAY'],
  ['DISCOVERY_FAILED', 503, 'SERVICE_UNAVAILABLE'],
  ['GEMINI_API_ERROR', 503, 'SERVICE_UNAVAILABLE'],
  ['SERVICE_UNAVAILABLE', 503, 'SERVICE_UNAVAILABLE'],
  ['TOOL_TIMEOUT', 504, 'GATEWAY_TIMEOUT'],
] as const;

describe('the table of statuses', () => {
  it.each(documented)('%s is %i on REST and %s on tRPC', (code, status, trpc) => {
    expect(statusOf(new AppError(code, 'words'))).toEqual({ status, trpc });
  });

  it.each(documented)('%s leaves the tRPC door over HTTP with the same status, %i', (code, status) => {
    const onItsWay = new RequestError(new AppError(code, 'words'), 'req-1');
    expect(getHTTPStatusCodeFromError(onItsWay)).toBe(status);
  });

  it('has these rows and no others', () => {
    expect(Object.keys(statusTable).toSorted()).toEqual(documented.map(([code]) => code).toSorted());
  });

  it('answers DEPLOYMENT_FAILED by whose fault it is', () => {
    expect(statusOf(deploymentFailed('the package exits at once')).status).toBe(422);
    expect(statusOf(deploymentUnavailable('the daemon does not answer'))).toEqual({
      status: 503,
      trpc: 'SERVICE_UNAVAILABLE',
    });
  });
});

describe('the envelope', () => {
  it('has every documented field, with details null where there are none', () => {
    const body = toErrorBody(new AppError('CONFLICT', 'taken'), 'req-7');
    expect(body).toEqual({
      code: 'CONFLICT',
      message: 'taken',
      details: null,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      request_id: 'req-7',
    });
    expect(errorEnvelope.safeParse({ error: body }).success).toBe(true);
  });

  it('carries details, and never the cause', () => {
    const cause = new Error('password=hunter2');
    const body = toErrorBody(
      new AppError('GEMINI_API_ERROR', 'no quota', { cause, details: { model: 'm' } }),
      'r',
    );
    expect(body.details).toEqual({ model: 'm' });
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });
});

describe('what a thrown thing is to a caller', () => {
  it('keeps an error of ours, however it is wrapped', () => {
    const error = serverNotFound('x');
    expect(toAppError(error)).toBe(error);
    expect(toAppError(new RequestError(error, 'req-1'))).toBe(error);
    expect(toAppError(new TRPCError({ code: 'INTERNAL_SERVER_ERROR', cause: error }))).toBe(error);
  });

  it.each([
    ['an error', new Error('SELECT * FROM secrets')],
    ['a text', 'SELECT * FROM secrets'],
    ['nothing', undefined],
    [
      'an error inside tRPC',
      new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: 'SELECT * FROM secrets' }),
    ],
    ['a refusal of tRPC that we have no words for', new TRPCError({ code: 'TEAPOT' as TRPC_ERROR_CODE_KEY })],
  ])('says nothing of %s but that it is internal, and keeps it for the log', (_what, thrown) => {
    const error = toAppError(thrown);
    expect(error.code).toBe('INTERNAL_ERROR');
    expect(error.cause).toBe(thrown);
    expect(error.message).not.toContain('SELECT');
    expect(JSON.stringify(toErrorBody(error, 'req-1'))).not.toContain('SELECT');
  });

  it('tells for each issue of zod where it is', () => {
    const schema = z.strictObject({ launch: z.array(z.object({ port: z.int() })), id: z.string() });
    const parsed = schema.safeParse({ launch: [{ port: 1 }, { port: 'x' }], id: 5, extra: true });
    const error = toAppError(new TRPCError({ code: 'BAD_REQUEST', cause: parsed.error }));
    expect(error.code).toBe('INVALID_REQUEST');
    expect(error.details).toEqual({
      issues: [
        { path: ['launch', 1, 'port'], code: 'invalid_type', message: expect.any(String) },
        { path: ['id'], code: 'invalid_type', message: expect.any(String) },
        { path: [], code: 'unrecognized_keys', message: expect.stringContaining('extra') },
      ],
    });
  });

  it.each([
    ['BAD_REQUEST', 'INVALID_REQUEST'],
    ['PARSE_ERROR', 'INVALID_REQUEST'],
    ['NOT_FOUND', 'NOT_FOUND'],
    ['METHOD_NOT_SUPPORTED', 'METHOD_NOT_ALLOWED'],
    ['PAYLOAD_TOO_LARGE', 'PAYLOAD_TOO_LARGE'],
    ['UNSUPPORTED_MEDIA_TYPE', 'UNSUPPORTED_MEDIA_TYPE'],
  ] as const)('says tRPC’s own %s in our words, as %s', (trpc, code) => {
    const error = toAppError(new TRPCError({ code: trpc, message: 'words of a library' }));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('library');
  });
});
