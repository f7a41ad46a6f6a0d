// Measures honesty under chaos: 200 tasks while the model fails, is cut and calls nonsense, and tools fail; how each ends.
//
//   node bench/tasks-chaos.ts [tasks] [seed]
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { GeminiStandIn, type StandInTurn } from '../tests/support/gemini/stand-in.ts';
import { NpmRegistry } from '../tests/support/npm-registry.ts';
import { randomFrom } from '../tests/support/resuming-readers.ts';
import { npmFrom, restOf } from '../tests/support/rest.ts';
import { startServer } from '../tests/support/running-server.ts';
import { planTurn, saidIn, type ModelStep } from '../tests/support/task-model.ts';
import { publishTestPackage } from '../tests/support/test-packages.ts';
import { judge, machineLine, printTable } from './support/report.ts';

const count = Number(process.argv[2] ?? 200);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const random = randomFrom(seed);

/** What a task may end with when the model and its tools misbehave. */
const rightCodes = new Set(['ORCHESTRATION_FAILED', 'GEMINI_API_ERROR', 'TOOL_TIMEOUT']);
const timeoutMs = 60_000;

const pick = <T>(items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0];

const failures: readonly [StandInTurn, ...StandInTurn[]] = [
  { status: 500, message: 'down' },
  { status: 503, message: 'overloaded' },
  { status: 429, message: 'too many', rpcStatus: 'RESOURCE_EXHAUSTED', retryAfterSeconds: 3 },
  { status: 403, message: 'no', rpcStatus: 'PERMISSION_DENIED' },
  { text: '', finishReason: 'MALFORMED_FUNCTION_CALL' },
  { text: '', finishReason: 'SAFETY' },
  { text: '{"steps": [' },
  { text: 'I would rather not.' },
  { calls: [{ name: 'no_such_function' }] },
];

/** Some of them fail: the tool is unknown, or its own code throws. */
const steps = (): ModelStep[] =>
  Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index) => ({
    tool: random() < 0.15 ? 'nonsense' : random() < 0.15 ? 'read' : 'echo',
    args: index > 0 && random() < 0.3 ? null : { message: 'x', path: 5 },
    depends_on: index > 0 && random() < 0.8 ? [index] : index > 0 ? [1] : [],
  }));

function turnFor(said: string): StandInTurn {
  if (random() < 0.3) return pick(failures);
  if (said.includes('Nothing more will be carried out')) return { text: 'This is what came of it.' };
  if (said.includes('Call now what can be called'))
    return random() < 0.3 ? { text: 'done' } : { calls: [{ name: 'echo', arguments: { message: 'y' } }] };
  return planTurn(...steps());
}

/** Between us and the stand-in: breaks the connection in the middle of some answers. */
async function startCuttingLine(target: string): Promise<{ url: string; close(): void }> {
  const line = createServer((request, response) => {
    const body: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => body.push(chunk))
      .on('end', () => {
        fetch(target + (request.url ?? ''), {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-goog-api-key': 'of-a-stand-in' },
          body: Buffer.concat(body),
        })
          .then(async (answer) => {
            const text = await answer.text();
            response.writeHead(answer.status, Object.fromEntries(answer.headers));
            if (random() < 0.1) response.write(text.slice(0, text.length / 2), () => response.destroy());
            else response.end(text);
          })
          .catch(() => response.destroy());
      });
  });
  line.listen(0, '127.0.0.1');
  await once(line, 'listening');
  const address = line.address();
  if (address === null || typeof address === 'string') throw new Error('the line does not listen');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      line.close();
      line.closeAllConnections();
    },
  };
}

interface Ended {
  code: string;
  lie: string | null;
}

const folder = await mkdtemp(join(tmpdir(), 'insightloop-bench-'));
const registry = await NpmRegistry.start();
const standIn = await GeminiStandIn.start();
const line = await startCuttingLine(standIn.url);
standIn.improvise((request) => turnFor(saidIn(request)));
await publishTestPackage(registry, 'ill-behaved-package');
const server = await startServer({
  dataDir: join(folder, 'data'),
  env: { ...npmFrom(registry), GEMINI_API_KEY: 'of-a-stand-in', GOOGLE_GEMINI_BASE_URL: line.url },
});
const rest = restOf(server.baseUrl);

interface Shown {
  status: string;
  error: { code: string } | null;
  plan: { step: number }[];
  results: { steps: { step: number; success: boolean }[] };
  gemini_response: string | null;
}

/** What was told and kept of a task must say the same as its answer. */
async function carryOut(): Promise<Ended> {
  const answer = await rest.post('/api/orchestrate', {
    server_id: 'odd',
    prompt: 'Do something.',
    timeout_ms: timeoutMs,
  });
  const body = answer.body as { task_id?: string; error?: { code: string; details: { task_id: string } } };
  const id = body.task_id ?? body.error?.details.task_id ?? '';
  const { task } = (await rest.get(`/api/tasks/${id}`)).body as { task: Shown };
  const stream = await (await fetch(`${server.baseUrl}/api/tasks/${id}/stream`)).text();
  const last = [...stream.matchAll(/^event: (\w+)$/gm)].at(-1)?.[1];
  const code = answer.status === 200 ? 'completed' : (body.error?.code ?? 'none');
  const done = task.plan.map(({ step }) => step).toSorted((a, b) => a - b);
  const results = task.results.steps.map(({ step }) => step);
  const lies = [
    answer.status === 200 &&
      (task.status !== 'completed' || task.gemini_response === null || last !== 'complete'),
    answer.status !== 200 && (task.status !== 'failed' || task.error?.code !== code || last !== 'error'),
    answer.status !== 200 && !rightCodes.has(code),
    answer.status === 200 && JSON.stringify(done) !== JSON.stringify(results),
  ];
  return { code, lie: lies.includes(true) ? `${id}: ${code}, ${task.status}, ${last ?? 'nothing'}` : null };
}

try {
  await rest.register('odd', 'ill-behaved-package');
  await rest.deploy('odd');
  const beginMs = performance.now();
  const ended: Ended[] = [];
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      ended.push(await carryOut());
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  const byCode = Map.groupBy(ended, ({ code }) => code);
  console.log(`${machineLine()}, load ${(loadavg()[0] ?? 0).toFixed(1)}, seed ${seed}`);
  printTable(Object.fromEntries([...byCode].map(([code, all]) => [code, { tasks: all.length }])));
  const lies = ended.flatMap(({ lie }) => lie ?? []);
  for (const lie of lies) console.log(`  ${lie}`);
  judge(
    `${count} tasks ended within ${Math.round((performance.now() - beginMs) / 1000)} s`,
    ended.length === count,
  );
  judge('each ended completed or failed with a right code, told and kept alike', lies.length === 0);
} finally {
  await server.stop();
  await registry.close();
  line.close();
  await standIn.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 50 });
}
