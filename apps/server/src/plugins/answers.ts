// How every answer looks that is not an operation's own: envelope, request id, access log.
import {
  AppError,
  invalidRequest,
  payloadTooLarge,
  routeNotFound,
  unsupportedMediaType,
  type Ids,
} from '@insightloop/core';
import { statusOf, toAppError, toErrorBody, type ErrorEnvelope } from '@insightloop/api';
import {
  LogController,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';

/** A caller's own id is kept where it can stand in a header and a log line. */
const validRequestId = /^[A-Za-z0-9._-]{1,128}$/;

export const requestIdOf = (header: string | string[] | undefined, ids: Ids): string =>
  typeof header === 'string' && validRequestId.test(header) ? header : ids.next('req');

/** Our own access log instead of Fastify's; every line of a request carries its id under our name for it. */
export const logController = new LogController({
  disableRequestLogging: true,
  requestIdLogLabel: 'request_id',
});

export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = toAppError(thrown);
  const body: ErrorEnvelope = { error: toErrorBody(error, request.id) };
  if (error.retryAfterSeconds !== null) reply.header('Retry-After', String(error.retryAfterSeconds));
  return reply.code(statusOf(error).status).send(body);
}

/** What Fastify itself refuses, in our words. */
function fromFastify(error: FastifyError): unknown {
  if (error instanceof AppError || typeof error.statusCode !== 'number') return error;
  switch (error.statusCode) {
    case 413:
      return payloadTooLarge('The body is too large: 10 MiB at most.');
    case 415:
      return unsupportedMediaType('Send the body as application/json.');
    default:
      return error.statusCode < 500 ? invalidRequest(readable(error)) : error;
  }
}

const readable = (error: FastifyError): string =>
  error instanceof SyntaxError || error.code.startsWith('FST_ERR_CTP')
    ? 'The body is not valid JSON.'
    : 'The request could not be read.';

export function addAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('X-Request-Id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    // The path without its query: prompts and ids of events stand there, and a log is kept long.
    request.log.info(
      {
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        caller: request.ip,
      },
      'request',
    );
    done();
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const appError = toAppError(fromFastify(error));
    if (statusOf(appError).status >= 500)
      request.log.error({ err: appError.cause ?? appError }, appError.message);
    if (appError.code === 'PAYLOAD_TOO_LARGE') readToTheEnd(request, reply);
    return sendError(appError, request, reply);
  });
  app.setNotFoundHandler((request, reply) =>
    sendError(routeNotFound('There is no such path; GET /openapi.json lists them.'), request, reply),
  );
}

/**
 * Most clients read no answer before they have sent their whole body: on a connection that is closed under them, as
 * Fastify would do, they see a broken pipe instead of our words. So the rest is read, and thrown away.
 */
function readToTheEnd(request: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader('connection');
  request.raw.resume();
}
