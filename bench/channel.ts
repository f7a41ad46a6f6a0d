// Measures a channel over stdio against the official SDK's client: calls of `echo` on server-everything, side by side.
//
//   node bench/channel.ts [seconds per round]
import { createMcpConnector } from '@insightloop/adapters/mcp';
import type { Logger } from '@insightloop/core';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const roundSeconds = Number(process.argv[2] ?? 2);
const rounds = 5;
const inFlight = [1, 32];
const everything = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
);
const call = { name: 'echo', arguments: { message: 'hello' } };

interface Contender {
  name: string;
  call(): Promise<unknown>;
  end(): Promise<void>;
}

async function ours(): Promise<Contender> {
  const child = spawn(process.execPath, [everything, 'stdio'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const complain = (fields: object, message: string): void => console.error(message, fields);
  const logger: Logger = { debug: () => {}, info: () => {}, warn: complain, error: complain };
  const connector = createMcpConnector({ client: { name: 'bench', version: '1.0.0' }, logger });
  const channel = await connector.connect(
    { transport: 'stdio', stdin: child.stdin, stdout: child.stdout },
    { signal: new AbortController().signal, timeoutMs: 30_000 },
  );
  return {
    name: 'channel',
    // With a limit of time, as every call of the product has one.
    call: () => channel.request('tools/call', call, { timeoutMs: 60_000 }),
    end: async () => {
      await channel.close();
      child.kill('SIGKILL');
    },
  };
}

async function sdk(): Promise<Contender> {
  const client = new Client({ name: 'bench', version: '1.0.0' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [everything, 'stdio'],
    stderr: 'ignore',
  });
  await client.connect(transport);
  return { name: 'SDK client', call: () => client.callTool(call), end: () => client.close() };
}

interface Sample {
  perSecond: number;
  medianMs: number;
  p99Ms: number;
  cpuMs: number;
}

async function round(contender: Contender, concurrency: number): Promise<Sample> {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const end = begin + roundSeconds * 1000;
  const caller = async (): Promise<void> => {
    for (let now = performance.now(); now < end; now = performance.now()) {
      await contender.call();
      times.push(performance.now() - now);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return {
    perSecond: (times.length / (performance.now() - begin)) * 1000,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    // Ours alone: what the server spends is another process.
    cpuMs: (user + system) / 1000 / times.length,
  };
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const contenders = [await ours(), await sdk()];
console.log(`${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}`);
for (const concurrency of inFlight) {
  const samples = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]));
  for (const contender of contenders) await round(contender, concurrency);
  // In turns, so that what else the machine does falls on both.
  for (let count = 0; count < rounds; count++) {
    for (const contender of contenders) samples.get(contender)?.push(await round(contender, concurrency));
  }
  const rows = contenders.map((contender) => {
    const of = (key: keyof Sample): number =>
      median((samples.get(contender) ?? []).map((sample) => sample[key]));
    return {
      name: contender.name,
      perSecond: of('perSecond'),
      medianMs: of('medianMs'),
      p99Ms: of('p99Ms'),
      cpuMs: of('cpuMs'),
    };
  });
  const base = rows.find(({ name }) => name === 'SDK client');
  console.log(`\necho, ${concurrency} in flight (median of ${rounds} rounds of ${roundSeconds} s)`);
  console.table(
    Object.fromEntries(
      rows.map(({ name, perSecond, medianMs, p99Ms, cpuMs }) => [
        name,
        {
          'calls/s': Math.round(perSecond),
          'p50 ms': medianMs.toFixed(3),
          'p99 ms': p99Ms.toFixed(3),
          'CPU ms/call': cpuMs.toFixed(4),
          'to the SDK client': `× ${(perSecond / (base?.perSecond ?? perSecond)).toFixed(2)}`,
        },
      ]),
    ),
  );
}
console.log(`resident memory ${(process.memoryUsage().rss / 1024 / 1024).toFixed(0)} MiB`);
await Promise.all(contenders.map((contender) => contender.end()));
