// Measures tool calls through REST against a direct stdio client, mcp-proxy and supergateway: `echo` of server-everything.
//
//   node bench/tool-calls.ts [seconds per round] [rounds]
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request, Agent } from 'node:http';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuMsOf, descendantsOf, startApi } from './support/api-process.ts';
import { callFor, inTurns, middle, type Contender, type Measured } from './support/call-rounds.ts';
import { freePort } from './support/free-port.ts';
import { judge, machineLine, printTable } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 3);
const rounds = Number(process.argv[3] ?? 5);
const manyInFlight = 32;
/** What REST may cost a call that is alone. */
const addedMs = 1;
/** So much more than the best of the others with many in flight. */
const factor = 3;

const everything = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
);
const call = { name: 'echo', arguments: { message: 'hello' } };

const treeOf = async (pid: number | null | undefined): Promise<number[]> =>
  pid ? [pid, ...(await descendantsOf(pid))] : [];

/** Plain HTTP with connections that stay, as cheap as a client can be. */
function jsonPoster(url: string): { post(): Promise<void>; end(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: manyInFlight });
  const body = JSON.stringify({ arguments: call.arguments });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const post = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          if (answer.statusCode === 200 && text.includes('Echo: hello')) resolve();
          else reject(new Error(`${answer.statusCode ?? ''} ${text}`));
        });
      });
      sent.on('error', reject).end(body);
    });
  return { post, end: () => agent.destroy() };
}

/** Whose processor time a call of ours takes. */
interface Parts {
  api: number[];
  server: number[];
}

async function ours(): Promise<{ contenders: Contender[]; parts: Parts }> {
  const api = await startApi();
  await api.ask('POST', '/api/deploy/everything', { method: 'npx' });
  const poster = jsonPoster(`${api.url}/api/servers/everything/tools/echo`);
  const below = await descendantsOf(api.pid);
  const cpuMs = (): Promise<number> => cpuMsOf([api.pid, ...below]);
  const client = await connected(`${api.url}/servers/everything/mcp`);
  const end = async (): Promise<void> => {
    poster.end();
    await client.close();
    await api.stop();
  };
  return {
    contenders: [
      { name: 'ours, REST', call: poster.post, cpuMs, end },
      { name: 'ours, MCP endpoint', call: () => client.callTool(call), cpuMs, end: async () => {} },
    ],
    parts: { api: [api.pid], server: below },
  };
}

/** In ms for each call, the caller beside the API and the server. */
async function partsOfACall(
  contender: Contender,
  { api, server }: Parts,
  inFlight: number,
): Promise<Record<string, string>> {
  const own = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const now = async (): Promise<number[]> => [await cpuMsOf(api), await cpuMsOf(server), own()];
  const before = await now();
  const { perSecond, p50Ms } = await callFor(seconds, { inFlight, contender });
  const spent = (await now()).map((time, part) => (time - (before[part] ?? 0)) / (perSecond * seconds));
  const [inApi = 0, inServer = 0, inCaller = 0] = spent;
  return {
    'p50 ms': p50Ms.toFixed(3),
    'processor of the API': inApi.toFixed(3),
    'of the server and the database': inServer.toFixed(3),
    'of the caller': inCaller.toFixed(3),
    'processors busy': (((inApi + inServer + inCaller) * perSecond) / 1000).toFixed(2),
  };
}

const connected = async (url: string): Promise<Client> => {
  const client = new Client({ name: 'bench', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client;
};

async function direct(): Promise<Contender> {
  const client = new Client({ name: 'bench', version: '1.0.0' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [everything, 'stdio'],
    stderr: 'ignore',
  });
  await client.connect(transport);
  const pids = await treeOf(transport.pid);
  return {
    name: 'direct, SDK client over stdio',
    call: () => client.callTool(call),
    cpuMs: () => cpuMsOf(pids),
    end: () => client.close(),
  };
}

/** A bridge of somebody else over the same server, called by the SDK's client, as its users do. */
async function bridge(name: string, args: (port: number) => string[]): Promise<Contender> {
  const port = await freePort();
  const child = spawn(process.execPath, args(port), { stdio: 'ignore', detached: true });
  const client = await retried(() => connected(`http://127.0.0.1:${port}/mcp`), child);
  await client.callTool(call);
  const pids = await treeOf(child.pid);
  return {
    name,
    call: () => client.callTool(call),
    cpuMs: () => cpuMsOf(pids),
    end: async () => {
      await client.close().catch(() => undefined);
      const ended = once(child, 'exit');
      // A group of its own: the server that it has started goes with it.
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}

async function retried<T>(work: () => Promise<T>, child: ChildProcess): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt > 100 || child.exitCode !== null) throw error;
      await sleep(200);
    }
  }
}

const mcpProxy = (port: number): string[] => [
  fileURLToPath(new URL('bin/mcp-proxy.mjs', import.meta.resolve('mcp-proxy'))),
  ...['--port', String(port), '--host', '127.0.0.1', '--server', 'stream', '--'],
  ...[process.execPath, everything, 'stdio'],
];
const supergateway = (port: number): string[] => [
  fileURLToPath(import.meta.resolve('supergateway/dist/index.js')),
  ...['--stdio', `"${process.execPath}" "${everything}" stdio`, '--outputTransport', 'streamableHttp'],
  // Without it there would be a process for every request.
  ...['--stateful', '--port', String(port), '--logLevel', 'none'],
];

function print(measured: readonly Measured[], inFlight: number): void {
  const [base] = measured.filter(({ contender }) => contender.name.startsWith('direct'));
  console.log(`\n${inFlight} in flight, median of ${rounds} rounds of ${seconds} s`);
  printTable(
    Object.fromEntries(
      measured.map((each) => [
        each.contender.name,
        {
          'calls/s': Math.round(middle(each, 'perSecond')),
          'p50 ms': middle(each, 'p50Ms').toFixed(2),
          'p99 ms': middle(each, 'p99Ms').toFixed(2),
          'CPU ms/call beyond the client': middle(each, 'cpuMs').toFixed(3),
          'to direct': base ? (middle(each, 'perSecond') / middle(base, 'perSecond')).toFixed(2) : '',
        },
      ]),
    ),
  );
}

const contenders: Contender[] = [];
try {
  const { contenders: our, parts } = await ours();
  contenders.push(
    ...our,
    await direct(),
    await bridge('mcp-proxy', mcpProxy),
    await bridge('supergateway', supergateway),
  );
  console.log(`${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
  const named = (measured: readonly Measured[], name: string): Measured => {
    const found = measured.find(({ contender }) => contender.name.startsWith(name));
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  };

  const alone = await inTurns(contenders, { rounds, seconds, inFlight: 1 });
  print(alone, 1);
  const many = await inTurns(contenders, { rounds, seconds, inFlight: manyInFlight });
  print(many, manyInFlight);

  const rest = named(alone, 'ours, REST');
  const stdio = named(alone, 'direct');
  const added = middle(rest, 'p50Ms') - middle(stdio, 'p50Ms');
  console.log(
    `\nWhere the time of a call through REST goes, in ms; a direct one takes ${middle(stdio, 'p50Ms').toFixed(3)} alone`,
  );
  printTable({
    alone: await partsOfACall(rest.contender, parts, 1),
    [`${manyInFlight} in flight`]: await partsOfACall(rest.contender, parts, manyInFlight),
  });

  const best = Math.max(
    ...['mcp-proxy', 'supergateway'].map((name) => middle(named(many, name), 'perSecond')),
  );
  const ratio = middle(named(many, 'ours, REST'), 'perSecond') / best;
  judge(
    `REST adds at most ${addedMs} ms to the p50 of a direct client: ${added.toFixed(2)} ms`,
    added <= addedMs,
  );
  judge(`${manyInFlight} in flight: ≥ ${factor} × the best bridge: × ${ratio.toFixed(2)}`, ratio >= factor);
  console.log(`load at the end ${loadavg()[0]?.toFixed(1) ?? ''}`);
} finally {
  for (const contender of contenders) await contender.end();
}
