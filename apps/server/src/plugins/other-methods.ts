// What a path answers to methods that it does not have.
import { methodNotAllowed } from '@insightloop/core';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';

const allMethods: readonly HTTPMethods[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
];

/** To be called once for each path, with all the methods that have a route of their own; GET brings HEAD with it. */
export function refuseOtherMethods(app: FastifyInstance, url: string, methods: readonly HTTPMethods[]): void {
  const allowed = methods.flatMap((method) => (method === 'GET' ? [method, 'HEAD'] : [method]));
  const method = allMethods.filter((candidate) => !allowed.includes(candidate));
  // Refused before the body is read, so that a wrong method never turns into a complaint about its body.
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.header('Allow', allowed.join(', '));
    throw methodNotAllowed(request.method, allowed);
  };
  app.route({ method, url, onRequest, handler: () => null });
}
