// Measures tasks: six slow tools at once, what a step costs without a model, and 100 tasks at once with their order and memory.
//
//   node bench/tasks.ts [rounds]
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { GeminiStandIn } from '../tests/support/gemini/stand-in.ts';
import { NpmRegistry } from '../tests/support/npm-registry.ts';
import { npmFrom, restOf } from '../tests/support/rest.ts';
import { startServer } from '../tests/support/running-server.ts';
import { improviseTasks } from '../tests/support/task-model.ts';
import { publishTestPackage } from '../tests/support/test-packages.ts';
import { measurable, memoryOf } from './support/live-memory.ts';
import { judge, machineLine, median, printTable } from './support/report.ts';

const rounds = Number(process.argv[2] ?? 20);
const stepsOfPlan = 50;
const tasksAtOnce = 100;

interface Task {
  id: string;
  status: string;
  results: { execution_time: number; steps: { execution_time: number }[] };
}

const folder = await mkdtemp(join(tmpdir(), 'insightloop-bench-'));
const registry = await NpmRegistry.start();
const standIn = await GeminiStandIn.start();
await publishTestPackage(registry, 'ill-behaved-package');
const server = await startServer({
  dataDir: join(folder, 'data'),
  env: {
    ...npmFrom(registry),
    GEMINI_API_KEY: 'of-a-stand-in',
    GOOGLE_GEMINI_BASE_URL: standIn.url,
    ...measurable,
  },
});
const rest = restOf(server.baseUrl);

const have = async (order: object): Promise<Task> => {
  const { status, body } = await rest.post('/api/orchestrate', {
    server_id: 'odd',
    prompt: 'Do it.',
    ...order,
  });
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body as Task;
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const beginMs = performance.now();
  await work();
  return performance.now() - beginMs;
};

/** What is wrong with what was told of a task, in words. */
async function wrongIn(id: string): Promise<string[]> {
  const text = await (await fetch(`${server.baseUrl}/api/tasks/${id}/stream`)).text();
  const numbers = [...text.matchAll(/^id: (task-\w+):(\d+)$/gm)].map(([, task, number]) => ({
    task,
    number,
  }));
  const names = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
  return [
    ...(numbers.every(({ task, number }, index) => task === id && Number(number) === index + 1)
      ? []
      : [`${id}: the numbers have holes or another order`]),
    ...(names.at(-1) === 'complete' ? [] : [`${id}: the last event is ${names.at(-1) ?? 'none'}`]),
    ...(names.filter((name) => name === 'tool_result').length === 5 ? [] : [`${id}: not five results`]),
  ];
}

try {
  await rest.register('odd', 'ill-behaved-package');
  await rest.deploy('odd');
  const slow = { tool: 'slow', args: { steps: 1, everyMs: 500 } };
  improviseTasks(standIn, {
    SIX: Array.from({ length: 6 }, () => slow),
    FIVE: Array.from({ length: 5 }, (_, index) => ({
      tool: 'echo',
      args: { message: `${index}` },
      depends_on: index === 0 ? [] : [index],
    })),
  });
  await have({ prompt: 'SIX' });
  const six: number[] = [];
  for (let round = 0; round < Math.min(rounds, 10); round += 1)
    six.push(await timed(() => have({ prompt: 'SIX' })));

  const plan = Array.from({ length: stepsOfPlan }, () => ({ tool: 'echo', args: { message: 'x' } }));
  const perStep: number[] = [];
  const overhead: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const directMs = await timed(async () => {
      for (let call = 0; call < stepsOfPlan; call += 1) await rest.call('odd', 'echo', { message: 'x' });
    });
    const wholeMs = await timed(() => have({ plan, max_steps: stepsOfPlan }));
    perStep.push(wholeMs / stepsOfPlan);
    overhead.push((wholeMs - directMs) / stepsOfPlan);
  }

  const atOnce = async (): Promise<{ ms: number; wrong: string[] }> => {
    let tasks: Task[] = [];
    const ms = await timed(async () => {
      tasks = await Promise.all(Array.from({ length: tasksAtOnce }, () => have({ prompt: 'FIVE' })));
    });
    const wrong: string[] = [];
    for (const { id } of tasks) wrong.push(...(await wrongIn(id)));
    return { ms, wrong };
  };
  await atOnce();
  const before = (await memoryOf(server)).liveMiB;
  const crowds = [await atOnce(), await atOnce(), await atOnce()];
  const after = (await memoryOf(server)).liveMiB;

  console.log(`${machineLine()}, load ${(loadavg()[0] ?? 0).toFixed(1)}`);
  printTable({
    'six tools of 500 ms, with planning and answer': { 'median ms': Math.round(median(six)) },
    [`a step of ${stepsOfPlan}, the tool included`]: { 'median ms': median(perStep).toFixed(2) },
    'the same less a call of the tool through REST': { 'median ms': median(overhead).toFixed(2) },
    [`${tasksAtOnce} tasks of 5 steps at once`]: {
      'median ms': Math.round(median(crowds.map(({ ms }) => ms))),
    },
  });
  const wrong = crowds.flatMap((crowd) => crowd.wrong);
  for (const line of wrong.slice(0, 10)) console.log(`  ${line}`);
  judge(`six independent tools of 500 ms in under 1.2 s: ${Math.round(median(six))} ms`, median(six) < 1200);
  judge(
    `a step without a model under 3 ms, its tool included: ${median(perStep).toFixed(2)} ms`,
    median(perStep) < 3,
  );
  judge(
    `${3 * tasksAtOnce} tasks, ${tasksAtOnce} at once: all complete, each told in order`,
    wrong.length === 0,
  );
  judge(`live memory flat afterwards: ${before.toFixed(1)} to ${after.toFixed(1)} MiB`, after < before * 1.1);
} finally {
  await server.stop();
  await registry.close();
  await standIn.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 50 });
}
