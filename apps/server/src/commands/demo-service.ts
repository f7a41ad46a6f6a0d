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
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** What the demo's service is told, beside what it needs to find npm. */
const settings = (folder: string): Record<string, string> => ({
  API_PORT: '0',
  INSIGHTLOOP_DATA_DIR: join(folder, 'data'),
  INSIGHTLOOP_MOUNT_ROOTS: folder,
  LOG_LEVEL: 'error',
});

export async function startService(folder: string): Promise<Service> {
  const child = spawn('/usr/bin/env', [...assignments(settings(folder)), process.execPath, main], {
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
    async stop() {
      child.kill('SIGTERM');
      await exited;
      if (child.exitCode !== 0) throw new Error(`it ended with code ${child.exitCode ?? child.signalCode}`);
    },
  };
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
