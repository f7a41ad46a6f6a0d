// Programs for the fake runtime: a server that behaves, and the ways in which servers do not.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExitReason } from '../deployments/sandbox.ts';
import type { FakeProcess, FakeProgram } from './fake-workload.ts';
import { ScriptedMcpServer } from './scripted-mcp-server.ts';

const exit = (code: number): ExitReason => ({ kind: 'exit', code });

const told = ({ signal }: FakeProcess): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Speaks MCP until it is told to end. `makeServer` is called for each process, so that none has the state of another. */
export const mcpProgram =
  (makeServer: () => ScriptedMcpServer = () => new ScriptedMcpServer()): FakeProgram =>
  async (process) => {
    const server = makeServer();
    process.stdin.pipe(server.stdin);
    server.stdout.pipe(process.stdout);
    process.stderr.write('ready\n');
    await told(process);
    server.end();
    return exit(0);
  };

/** Is there, and answers nothing: a hung server. */
export const silentProgram: FakeProgram = async (process) => {
  process.stdin.resume();
  await told(process);
  return exit(0);
};

/** Answers nothing and does not end when it is told to. */
export const stubbornProgram: FakeProgram = (process) => {
  process.stdin.resume();
  return new Promise<never>(() => {});
};

/** Prints its lines and ends. */
export const failingProgram =
  (code: number, ...lines: string[]): FakeProgram =>
  (process) => {
    for (const line of lines) process.stderr.write(`${line}\n`);
    return Promise.resolve(exit(code));
  };

/** Writes what is no JSON-RPC to stdout. */
export const garbageProgram: FakeProgram = async (process) => {
  process.stdin.resume();
  process.stdout.write('Welcome to my server!\n{"not": "json-rpc"}\n');
  await told(process);
  return exit(0);
};

/** Does nothing for so long, then what `program` does. */
export const slowProgram =
  (delayMs: number, program: FakeProgram): FakeProgram =>
  async (process) => {
    await sleep(delayMs, undefined, { signal: process.signal });
    return program(process);
  };

/** A different program for each start; the last one for all that follow. */
export const programInTurn = (...programs: [FakeProgram, ...FakeProgram[]]): FakeProgram => {
  let starts = 0;
  return (process) => {
    const program = programs[Math.min(starts, programs.length - 1)] ?? programs[0];
    starts += 1;
    return program(process);
  };
};
