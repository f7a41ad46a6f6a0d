// Calls of the REST door as anybody would make them, and the few of them that most tests need.
import type { NpmRegistry } from './npm-registry.ts';

export interface Answer {
  status: number;
  headers: Headers;
  /** Null where there is none. */
  body: unknown;
}

export interface Rest {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Registers `id` with one recipe for an npm package. @throws Error where that is refused */
  register(id: string, identifier: string, recipe?: object): Promise<void>;
  /** @throws Error with the answer where it does not run then */
  deploy(id: string, configuration?: object): Promise<Deployed>;
  call(id: string, tool: string, args?: object, rest?: object): Promise<Answer>;
  /** The joined text of what a tool answered. @throws Error where it failed */
  textOf(id: string, tool: string, args?: object): Promise<string>;
  stop(id: string): Promise<Answer>;
}

export interface Failure {
  reason: string;
  message: string;
  output: string[];
}

export interface Deployed {
  id: string;
  status: string;
  endpoint: string;
  isolation: string;
  version: string;
  digest: string;
  restarts: number;
  last_failure: Failure | null;
  capabilities: { tools: string[]; resources: string[]; prompts: string[] };
  [field: string]: unknown;
}

export interface ErrorBody {
  error: { code: string; message: string; details: Record<string, unknown> & { output?: string[] } };
}

interface CallResult {
  success: boolean;
  result: { content: { text?: string }[] };
}

export function restOf(baseUrl: string): Rest {
  const send: Rest['send'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(baseUrl + path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
  };
  const post: Rest['post'] = (path, body = {}, headers = {}) => send('POST', path, body, headers);
  const call: Rest['call'] = (id, tool, args = {}, rest = {}) =>
    post(`/api/servers/${id}/tools/${tool}`, { arguments: args, ...rest });
  return {
    get: (path, headers) => send('GET', path, undefined, headers),
    send,
    post,
    async register(id, identifier, recipe = {}) {
      const answer = await post('/api/servers', {
        id,
        name: id,
        launch: [{ method: 'npx', identifier, ...recipe }],
      });
      if (answer.status !== 201) throw new Error(`registering ${id}: ${told(answer)}`);
    },
    async deploy(id, configuration = {}) {
      const answer = await post(`/api/deploy/${id}`, { configuration });
      if (answer.status !== 201) throw new Error(`deploying ${id}: ${told(answer)}`);
      return (answer.body as { deployment: Deployed }).deployment;
    },
    call,
    async textOf(id, tool, args = {}) {
      const answer = await call(id, tool, args);
      const { success, result } = answer.body as CallResult;
      if (answer.status !== 200 || !success) throw new Error(`${tool} of ${id}: ${told(answer)}`);
      return result.content.map(({ text }) => text ?? '').join('\n');
    },
    stop: (id) => post(`/api/servers/${id}/stop`),
  };
}

const told = ({ status, body }: Answer): string => `${status} ${JSON.stringify(body)}`;

/** What leads the server's npm to a stand-in registry, and nowhere else. */
export const npmFrom = (registry: NpmRegistry): Record<string, string> => ({
  npm_config_registry: registry.url,
  // Else an earlier test's package of the same name and version would be taken for this one's.
  npm_config_prefer_online: 'true',
});
