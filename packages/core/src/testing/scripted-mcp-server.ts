// An MCP server in the same process, for tests: well-behaved unless a script says otherwise, and able to write anything.
import { PassThrough } from 'node:stream';
import { isJsonObject, type JsonObject, type JsonValue, type McpEra, type Progress } from '../mcp/channel.ts';

export interface ScriptContext {
  /** Aborts when the client cancels the request. */
  signal: AbortSignal;
  progress(progress: Progress): void;
}

export type ScriptedAnswer = (params: JsonObject, context: ScriptContext) => Promise<JsonObject> | JsonObject;

/** Thrown by a script: becomes the JSON-RPC error of the answer. */
export class ScriptedError extends Error {
  readonly rpc: { code: number; message: string; data?: JsonValue };

  constructor(code: number, message: string, data?: JsonValue) {
    super(message);
    this.rpc = { code, message, ...(data === undefined ? {} : { data }) };
  }
}

/** The tools that every channel is tried with, as `@modelcontextprotocol/server-everything` has them. */
export const everydayAnswers: Record<string, ScriptedAnswer> = {
  'tools/list': () => ({
    tools: ['echo', 'trigger-long-running-operation'].map((name) => ({
      name,
      inputSchema: { type: 'object' },
    })),
  }),
  'tools/call': ({ name, arguments: args }, context) => {
    const given = isJsonObject(args) ? args : {};
    if (name === 'echo') return text(`Echo: ${typeof given['message'] === 'string' ? given['message'] : ''}`);
    if (name === 'trigger-long-running-operation') return operate(given, context);
    throw new ScriptedError(-32602, `Tool ${typeof name === 'string' ? name : ''} not found`);
  },
};

const text = (value: string): JsonObject => ({ content: [{ type: 'text', text: value }] });

async function operate(args: JsonObject, { signal, progress }: ScriptContext): Promise<JsonObject> {
  const [duration, steps] = [Number(args['duration'] ?? 10), Number(args['steps'] ?? 5)];
  for (let step = 1; step <= steps; step++) {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, (duration / steps) * 1000);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(new ScriptedError(-32000, 'cancelled'));
      });
    });
    progress({ progress: step, total: steps });
  }
  return text(`Long running operation completed. Duration: ${duration} seconds, Steps: ${steps}.`);
}

const modernVersion = '2026-07-28';
const key = (name: string): string => `io.modelcontextprotocol/${name}`;

export class ScriptedMcpServer {
  /** The ends that a client holds. */
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  /** Every message of the client, in order. */
  readonly received: JsonObject[] = [];
  readonly #era: McpEra;
  readonly #answers: Map<string, ScriptedAnswer>;
  readonly #working = new Map<JsonValue, AbortController>();
  readonly #waiting: { matches(message: JsonObject): boolean; resolve(message: JsonObject): void }[] = [];
  readonly #subscriptions = new Set<JsonValue>();
  #rest = '';

  constructor(era: McpEra = 'legacy', answers: Record<string, ScriptedAnswer> = everydayAnswers) {
    this.#era = era;
    this.#answers = new Map(Object.entries({ ...(era === 'legacy' ? legacy : modern), ...answers }));
    this.stdin.setEncoding('utf8');
    this.stdin.on('data', (chunk: string) => this.#read(chunk));
  }

  get endpoint(): { transport: 'stdio'; stdin: PassThrough; stdout: PassThrough } {
    return { transport: 'stdio', stdin: this.stdin, stdout: this.stdout };
  }

  /** From now on, `method` is answered so. */
  script(method: string, answer: ScriptedAnswer): void {
    this.#answers.set(method, answer);
  }

  /** Writes anything, such as what no server should. */
  write(bytes: string | Buffer): void {
    this.stdout.write(bytes);
  }

  send(message: JsonObject): void {
    this.write(`${JSON.stringify(message)}\n`);
  }

  notify(method: string, params: JsonObject = {}): void {
    this.send({ jsonrpc: '2.0', method, params });
  }

  changeTools(): void {
    const method = 'notifications/tools/list_changed';
    if (this.#era === 'legacy') this.notify(method);
    for (const id of this.#subscriptions) this.notify(method, { _meta: { [key('subscriptionId')]: id } });
  }

  /** The first message, received already or yet to come, that has these fields. */
  message(fields: JsonObject): Promise<JsonObject> {
    const matches = (message: JsonObject): boolean =>
      Object.entries(fields).every(([name, value]) => message[name] === value);
    const found = this.received.find(matches);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  end(): void {
    for (const controller of this.#working.values()) controller.abort();
    this.stdout.end();
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const message: unknown = line === '' ? null : JSON.parse(line);
      if (isJsonObject(message)) this.#receive(message);
    }
  }

  #receive(message: JsonObject): void {
    this.received.push(message);
    for (const waiter of [...this.#waiting]) {
      if (!waiter.matches(message)) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve(message);
    }
    const { id, method } = message;
    const params = isJsonObject(message['params']) ? message['params'] : {};
    if (method === 'notifications/cancelled') this.#working.get(params['requestId'] ?? null)?.abort();
    if (typeof method === 'string' && id !== undefined) void this.#answer(id, method, params);
  }

  async #answer(id: JsonValue, method: string, params: JsonObject): Promise<void> {
    const meta = isJsonObject(params['_meta']) ? params['_meta'] : {};
    if (this.#era === 'modern' && method === 'subscriptions/listen') return this.#subscribe(id, params);
    const controller = new AbortController();
    this.#working.set(id, controller);
    try {
      const answer = this.#answers.get(method);
      if (answer === undefined) throw new ScriptedError(-32601, 'Method not found');
      if (this.#era === 'modern' && method !== 'initialize') checkEnvelope(meta);
      const result = await answer(params, {
        signal: controller.signal,
        progress: (progress) => {
          const progressToken = meta['progressToken'];
          if (progressToken !== undefined)
            this.notify('notifications/progress', { progressToken, ...progress });
        },
      });
      const kind = this.#era === 'modern' ? { resultType: 'complete' } : {};
      if (!controller.signal.aborted) this.send({ jsonrpc: '2.0', id, result: { ...kind, ...result } });
    } catch (error) {
      const rpc = error instanceof ScriptedError ? error.rpc : { code: -32603, message: String(error) };
      if (!controller.signal.aborted) this.send({ jsonrpc: '2.0', id, error: rpc });
    } finally {
      this.#working.delete(id);
    }
  }

  #subscribe(id: JsonValue, { notifications = {} }: JsonObject): void {
    this.#subscriptions.add(id);
    this.notify('notifications/subscriptions/acknowledged', {
      notifications,
      _meta: { [key('subscriptionId')]: id },
    });
  }
}

const capabilities = { tools: { listChanged: true } };

const legacy: Record<string, ScriptedAnswer> = {
  ping: () => ({}),
  initialize: ({ protocolVersion }) => ({
    protocolVersion: protocolVersion ?? null,
    capabilities,
    serverInfo: { name: 'scripted', version: '1.0.0' },
    instructions: 'Echo wisely.',
  }),
};

const modern: Record<string, ScriptedAnswer> = {
  'server/discover': () => ({
    supportedVersions: [modernVersion],
    capabilities,
    instructions: 'Echo wisely.',
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [key('serverInfo')]: { name: 'scripted', version: '1.0.0' } },
  }),
};

function checkEnvelope(meta: JsonObject): void {
  for (const name of ['protocolVersion', 'clientCapabilities']) {
    if (meta[key(name)] === undefined) throw new ScriptedError(-32602, `_meta lacks ${key(name)}`);
  }
}
