// The whole way in a terminal: a service of its own, two real servers from npm, tools, a task, logs, and nothing left.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readSettings } from '../env.ts';
import { demoPrompt, startStandIn } from './demo-gemini.ts';
import { startService, type Service } from './demo-service.ts';
import { say, step } from './demo-voice.ts';

const toolList = z.object({ tools: z.array(z.object({ name: z.string() })), total: z.number() });
const deployed = z.object({
  deployment: z.object({
    status: z.literal('running'),
    endpoint: z.string(),
    version: z.string(),
    isolation: z.string(),
  }),
});
const called = z.object({
  success: z.boolean(),
  result: z.object({ content: z.array(z.object({ text: z.string().optional() })) }),
  execution_time: z.number(),
});
const logged = z.object({ logs: z.array(z.object({ level: z.string(), message: z.string() })) });
const measured = z.object({
  metrics: z.object({ requests_total: z.number(), memory: z.object({ used: z.number() }) }),
});
const told = z.object({
  message: z.string().optional(),
  tools_count: z.number().optional(),
  status: z.string().optional(),
  plan: z.array(z.object({ tool: z.string(), purpose: z.string().nullable() })).optional(),
  tool: z.string().optional(),
  args: z.unknown().optional(),
  result: z.object({ content: z.array(z.object({ text: z.string().optional() })) }).nullish(),
  response: z.string().optional(),
  error: z.object({ message: z.string() }).nullish(),
});
const running = z.object({ servers: z.array(z.object({ id: z.string() })), total: z.number() });

const textOf = ({ result }: z.infer<typeof called>): string =>
  result.content.map(({ text }) => text ?? '').join('\n');

/** What an event of a task says, in a line. */
function inWords(data: unknown): string {
  const { message, tools_count: tools, status, plan, tool, args, result, response, error } = told.parse(data);
  if (error) return error.message;
  if (plan) return plan.map((one) => `${one.tool} (${one.purpose ?? 'as given'})`).join(', then ');
  if (result) return `${tool ?? ''} → ${result.content.map(({ text }) => text ?? '').join(' ')}`;
  if (tools !== undefined) return `${tools} tools`;
  return message ?? response ?? status ?? (tool === undefined ? '' : `${tool} ${JSON.stringify(args)}`);
}

async function demonstrate(service: Service, folder: string): Promise<void> {
  const { get, post } = service;
  const call = async (server: string, tool: string, args: object) =>
    called.parse(await post(`/api/servers/${server}/tools/${tool}`, { arguments: args }));

  await step('Deploy the reference server “everything” from npm, in a sandbox', async () => {
    const { deployment } = deployed.parse(await post('/api/deploy/everything', { method: 'npx' }));
    say(`version ${deployment.version}, isolation “${deployment.isolation}”, MCP at ${deployment.endpoint}`);
  });

  await step('List its tools', async () => {
    const { tools, total } = toolList.parse(await get('/api/servers/everything/tools'));
    say(`${total} tools: ${tools.map(({ name }) => name).join(', ')}`);
  });

  await step('Call one', async () => {
    const answer = await call('everything', 'get-sum', { a: 19, b: 23 });
    if (!textOf(answer).includes('42')) throw new Error(`19 + 23 came back as ${textOf(answer)}`);
    say(`get-sum(19, 23) → ${textOf(answer)} (${Math.round(answer.execution_time * 1000)} ms)`);
  });

  await step(`Have a task carried out: “${demoPrompt}”`, async () => {
    let last = '';
    for await (const { name, data } of service.stream('/api/orchestrate/stream', {
      server_id: 'everything',
      prompt: demoPrompt,
    })) {
      last = name;
      if (name !== 'gemini_delta') say(`${name}  ${inWords(data)}`);
    }
    if (last !== 'complete') throw new Error(`it ended with ${last}`);
  });

  await step('Give “filesystem” one folder of this machine', async () => {
    await post('/api/deploy/filesystem', {
      configuration: { inputs: { directory: join(folder, 'shared') } },
    });
    const answer = await call('filesystem', 'list_directory', { path: join(folder, 'shared') });
    if (!textOf(answer).includes('hello.txt')) throw new Error(`the folder shows as ${textOf(answer)}`);
    say(`it sees: ${textOf(answer)}`);
  });

  await step('It cannot read what lies beside that folder', async () => {
    const answer = await call('filesystem', 'read_text_file', { path: join(folder, 'private.txt') });
    if (answer.success) throw new Error('it could read a file that it was not given');
    say(textOf(answer).split('\n')[0] ?? '');
  });

  await step('Look at its log and its figures', async () => {
    const { logs } = logged.parse(await get('/api/servers/filesystem/logs?lines=3'));
    for (const { level, message } of logs) say(`${level}  ${message}`);
    const { metrics } = measured.parse(await get('/api/servers/filesystem/metrics'));
    say(`${metrics.requests_total} calls, ${Math.round(metrics.memory.used / 1024 / 1024)} MiB`);
  });

  await step('Stop both', async () => {
    await post('/api/servers/everything/stop');
    await post('/api/servers/filesystem/stop');
    const { total } = running.parse(await get('/api/servers/running'));
    if (total > 0) throw new Error(`${total} servers still run`);
    say('nothing runs any more');
  });
}

const folder = await mkdtemp(join(tmpdir(), 'insightloop-demo-'));
try {
  await mkdir(join(folder, 'shared'));
  await writeFile(join(folder, 'shared', 'hello.txt'), 'Hello from the host.\n');
  await writeFile(join(folder, 'private.txt'), 'Nobody’s business.\n');
  const standIn = readSettings().gemini.apiKey === null ? await startStandIn() : null;
  if (standIn) say('There is no GEMINI_API_KEY: a scripted stand-in answers for Gemini.');
  const model: Record<string, string> = standIn
    ? { GEMINI_API_KEY: 'the-demo-has-none', GOOGLE_GEMINI_BASE_URL: standIn.url }
    : {};
  try {
    const service = await step('Start the service', () => startService(folder, model));
    try {
      await demonstrate(service, folder);
    } finally {
      await step('End the service', () => service.stop());
    }
  } finally {
    await standIn?.stop();
  }
  say('');
  say('Every step worked.');
} catch {
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
