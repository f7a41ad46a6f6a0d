// The gate before every door, WebSocket upgrades included. Without it any web page that a user visits could
// deploy a package through the user's loopback, by a cross-site request or by DNS rebinding.
import { forbidden, unsupportedMediaType } from '@insightloop/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface GateOptions {
  /** Names beside loopback and the address that was connected to. */
  allowedHosts: readonly string[];
  /** Origins that may call us from a browser. */
  corsOrigins: readonly string[];
  /** Whether the connection comes from a process that we run for somebody; those have no business here. */
  isFromDeployment: (request: FastifyRequest) => Promise<boolean>;
}

const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Open to pages of any site, because they only read what is public: monitors and links to the docs. */
const publicPath = /^\/(health|livez|readyz|openapi\.json|docs(\/.*)?)$/;

export function addGate(app: FastifyInstance, options: GateOptions): void {
  const allowedHosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  const corsOrigins = new Set(options.corsOrigins);

  const isOurHost = (request: FastifyRequest): boolean => {
    const host = hostName(request.headers.host);
    if (host === null) return false;
    // An address literal cannot be rebound: it is ours when the connection was made to it.
    const connectedTo = request.socket.localAddress?.replace(/^::ffff:/, '');
    return loopbackNames.has(host) || allowedHosts.has(host) || bare(host) === connectedTo;
  };

  app.addHook('onRequest', async (request) => {
    if (!isOurHost(request))
      throw forbidden(
        `The Host "${request.headers.host ?? ''}" is not one of ours; add it to INSIGHTLOOP_ALLOWED_HOSTS.`,
      );
    const { origin } = request.headers;
    const isListed = origin !== undefined && corsOrigins.has(origin);
    if (origin !== undefined && !isListed && !isSameOrigin(origin, request))
      throw forbidden(`The origin "${origin}" may not call this API; add it to CORS_ORIGINS.`);
    const path = request.url.split('?', 1)[0] ?? '';
    if (request.headers['sec-fetch-site'] === 'cross-site' && !isListed && !publicPath.test(path))
      throw forbidden('Pages of other sites may not call this API; add their origin to CORS_ORIGINS.');
    if (hasBody(request) && !isJson(request.headers['content-type']))
      throw unsupportedMediaType('Send the body as application/json.');
    if (await options.isFromDeployment(request))
      throw forbidden('A deployed server may not call the API that runs it.');
  });
}

/** The name in a Host header, without the port: behind a port mapping ours differs from the caller's. */
function hostName(header: string | undefined): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[^:/?#@\s]+)(?::\d{1,5})?$/i.exec(header ?? '');
  return match?.[1]?.toLowerCase() ?? null;
}

const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

function isSameOrigin(origin: string, request: FastifyRequest): boolean {
  if (!URL.canParse(origin)) return false;
  const { host, protocol } = new URL(origin);
  const isHttp = protocol === 'http:' || protocol === 'https:';
  return isHttp && host === request.headers.host?.toLowerCase();
}

/** Asked of the headers, not of a parsed body: HTTP says that a body is announced by one of the two (RFC 9112 §6). */
const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const isJson = (contentType: string | undefined): boolean =>
  /^application\/json\s*(;|$)/i.test(contentType ?? '');
