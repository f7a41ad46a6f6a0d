// A service for the demo: its own process, port and data, reached as anybody would reach it, over REST.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { say } from './demo-voice.ts';

export interface Service {
  get(path: string): Promise<unknown>;
  /** @throws with the message of the error envelope where the answer is none of success */
  post(path: string, body?: object): Promise<unknown>;
  /** The events of a stream by their names, until it ends. @throws where the answer is none of success */
  stream(path: string, query: Record<string, string>): AsyncGenerator<{ name: string; data: unknown }>;
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** What the demo's service is told, beside what it needs to find npm. */
const settings = (folder: string, model: Record<string, string>): Record<string, string> => ({
  ...model,
  API_PORT: '0',
  INSIGHTLOOP_DATA_DIR: join(folder, 'data'),
  INSIGHTLOOP_MOUNT_ROOTS: folder,
  LOG_LEVEL: 'error',
});

/** @param model what leads it to another model than the environment says */
export async function startService(folder: string, model: Record<string, string>): Promise<Service> {
  const child = spawn('/usr/bin/env', [...assignments(settings(folder, model)), process.execPath, main], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const url = await readyUrl(child.stdout, exited);
  say(`it listens at ${url}`);

  const request = async (path: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(url + path, init);
    const body: unknown = await response.json();
    if (response.ok) return body;
    throw new Error(`${response.status} ${JSON.stringify(body)}`);
  };
  return {
    get: (path) => request(path, {}),
    post: (path, body = {}) =>
      request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async *stream(path, query) {
      const response = await fetch(`${url}${path}?${new URLSearchParams(query).toString()}`);
      if (!response.ok || !response.body) throw new Error(`${response.status} ${await response.text()}`);
      yield* framesOf(response.body.pipeThrough(new TextDecoderStream()));
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
      if (child.exitCode !== 0) throw new Error(`it ended with code ${child.exitCode ?? child.signalCode}`);
    },
  };
}

async function* framesOf(body: ReadableStream<string>): AsyncGenerator<{ name: string; data: unknown }> {
  let text = '';
  for await (const chunk of body) {
    const frames = (text + chunk).split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const [, name = ''] = /^event: (.*)$/m.exec(frame) ?? [];
      const [, data] = /^data: (.*)$/m.exec(frame) ?? [];
      if (data !== undefined) yield { name, data: JSON.parse(data) as unknown };
    }
  }
}

const assignments = (variables: Record<string, string>): string[] =>
  Object.entries(variables).map(([name, value]) => `${name}=${value}`);

async function readyUrl(stdout: NodeJS.ReadableStream, exited: Promise<unknown>): Promise<string> {
  const lines = createInterface({ input: stdout });
  const found = Promise.withResolvers<string>();
  lines.on('line', (line) => {
    const match = /ready at (http:\S+)/.exec(line);
    if (match?.[1]) found.resolve(match[1]);
  });
  const ended = exited.then(() => {
    throw new Error('the service ended before it was ready');
  });
  return Promise.race([found.promise, ended]);
}
