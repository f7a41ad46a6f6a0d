// Starts MCP servers as processes of their own, over stdio or on a free port, and ends them.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Readable, Writable } from 'node:stream';

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

export interface StdioProgram {
  endpoint: { transport: 'stdio'; stdin: Writable; stdout: Readable };
  end(): Promise<void>;
  /** Dies at once, in the middle of whatever it does. */
  kill(): void;
}

export interface HttpProgram {
  url: string;
  end(): Promise<void>;
}

const everything = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
);
const sdkProgram = fileURLToPath(new URL('stdio-program.ts', import.meta.url));

export const everythingOverStdio = (): StdioProgram => overStdio([everything, 'stdio']);

export const sdkServerOverStdio = (era: 'modern' | 'legacy'): StdioProgram => overStdio([sdkProgram, era]);

function overStdio(args: string[]): StdioProgram {
  const child = run(args, {});
  return {
    endpoint: { transport: 'stdio', stdin: child.stdin, stdout: child.stdout },
    end: () => ended(child),
    kill: () => child.kill('SIGKILL'),
  };
}

export async function everythingOverHttp(transport: 'streamableHttp' | 'sse'): Promise<HttpProgram> {
  const port = await freePort();
  const child = run([everything, transport], { PORT: String(port) });
  child.stdout.resume();
  const url = `http://127.0.0.1:${port}/${transport === 'sse' ? 'sse' : 'mcp'}`;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, end: () => ended(child) };
}

function run(args: string[], env: Record<string, string>): Program {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
  child.stderr.resume();
  return child;
}

async function ended(child: Program): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'OPTIONS' });
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
