// Tasks: the plan, the loop over its steps, what the model is asked and when, limits, ends, and what is told and kept.
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { McpRequestError, type JsonObject } from '../mcp/channel.ts';
import { MemoryTaskStore } from '../testing/memory-task-store.ts';
import { anOrder, caller, openTaskSite, planText, text } from '../testing/task-site.ts';
import type { TaskEvent } from './task-event.ts';
import { newDetail, taskOrder, type TaskOrder } from './task.ts';

const never = new AbortController().signal;

const ok = { a: () => text('from a'), b: () => text('from b'), c: () => text('from c') };

const given = (...plan: unknown[]): Partial<TaskOrder> => ({
  plan: taskOrder.shape.plan.parse(plan),
});

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof AppError)) throw new Error('it did not fail as it should', { cause: thrown });
  return thrown;
}

const typesOf = (events: TaskEvent[]): string[] => events.map(({ type }) => type);

describe('a task', () => {
  it('is planned, carried out and answered, and told in the order of the specification', async () => {
    const site = openTaskSite({
      tools: ok,
      script: [
        { ...planText({ tool: 'a', args: { x: 1 } }), usage: { input_tokens: 10, output_tokens: 5 } },
        { text: 'Here is what a said.', usage: { input_tokens: 7, output_tokens: 3 } },
      ],
    });
    const task = await site.tasks.orchestrate(anOrder({ context: { likes: 'tea' } }), caller);
    expect(task).toMatchObject({
      task_id: 'task-000001',
      status: 'completed',
      prompt: 'Do it.',
      server_id: 'one',
      plan: [{ step: 1, action: 'invoke_tool', tool: 'a', args: { x: 1 }, purpose: 'to a', depends_on: [] }],
      results: {
        execution_time: 0,
        documentation: 'from a',
        steps: [
          { step: 1, tool: 'a', success: true, content: [{ type: 'text', text: 'from a' }], error: null },
        ],
      },
      gemini_response: 'Here is what a said.',
      error: null,
      model: 'scripted',
      usage: { input_tokens: 17, output_tokens: 8, model_calls: 2 },
    });
    expect(await site.tasks.get(task.task_id)).toEqual(task);
    const told = await site.told(task.task_id);
    expect(typesOf(told)).toEqual([
      'connecting',
      'capabilities',
      'planning',
      'plan_ready',
      'executing_step',
      'tool_result',
      'gemini_response',
      'complete',
    ]);
    expect(told[1]).toMatchObject({
      protocol: 'stdio',
      tools_count: 3,
      tools: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    });
    expect(told[3]).toMatchObject({ plan: task.plan, steps_count: 1, revision: 0 });
    expect(told[4]).toMatchObject({ step_index: 1, total_steps: 1, action: 'invoke_tool', tool: 'a' });
    expect(told[5]).toMatchObject({ tool: 'a', success: true, result: { is_error: false } });
    expect(told[7]).toEqual({ type: 'complete', task_id: task.task_id, status: 'completed' });
    expect(site.events.map((event) => ('status' in event ? event.status : event.type))).toEqual([
      'queued',
      'running',
      'task_step',
      'task_step',
      'completed',
    ]);
    const [first] = site.model.requests;
    const asked = JSON.stringify(first?.turns);
    for (const part of ['Do it.', 'tea', 'file:///a.txt', 'greet']) expect(asked).toContain(part);
    expect(site.clock.sleeping).toBe(0);
  });

  it('tells what the model writes while it writes', async () => {
    const answer = 'a long answer that comes in several pieces, as models write';
    const site = openTaskSite({ tools: ok, script: [planText(), { text: answer }] });
    const { task_id: id } = await site.tasks.begin(anOrder(), caller);
    const told = await site.told(id);
    const pieces = told.flatMap((event) => (event.type === 'gemini_delta' ? [event.text] : []));
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(answer);
    expect((await site.tasks.get(id)).plan).toEqual([]);
  });

  it('runs at once what does not depend on each other, and the rest as soon as it can', async () => {
    const gates = new Map<string, () => void>();
    const waiting = (name: string) => () =>
      new Promise<ReturnType<typeof text>>((resolve) => gates.set(name, () => resolve(text(name))));
    const site = openTaskSite({
      tools: { a: waiting('a'), b: waiting('b'), c: waiting('c') },
      script: [planText({ tool: 'a' }, { tool: 'b' }, { tool: 'c', depends_on: [1] }), { text: 'done' }],
    });
    const done = site.tasks.orchestrate(anOrder(), caller);
    await site.clock.settle();
    expect(site.called).toEqual(['a', 'b']);
    gates.get('a')?.();
    await site.clock.settle();
    expect(site.called).toEqual(['a', 'b', 'c']);
    gates.get('b')?.();
    gates.get('c')?.();
    expect((await done).results.steps.map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  it('asks again where arguments depend on results, and records what was done', async () => {
    const site = openTaskSite({
      tools: { find: () => text('id-7'), load: ({ id }) => text(`loaded ${JSON.stringify(id)}`) },
      script: [
        planText({ tool: 'find' }, { tool: 'load', args: null, depends_on: [1] }),
        { calls: [{ name: 'load', arguments: { id: 'id-7' } }] },
        { text: 'It is loaded.' },
      ],
    });
    const task = await site.tasks.orchestrate(anOrder(), caller);
    expect(task.plan).toMatchObject([
      { step: 1, tool: 'find' },
      { step: 2, tool: 'load', args: { id: 'id-7' }, depends_on: [1] },
    ]);
    expect(task.revision).toBe(1);
    expect(task.results.documentation).toBe('id-7\n\nloaded "id-7"');
    const plans = (await site.told(task.id)).filter(({ type }) => type === 'plan_ready');
    expect(plans).toMatchObject([
      { revision: 0, plan: [{ args: {} }, { args: null }] },
      { revision: 1, plan: [{ args: {} }, { args: { id: 'id-7' } }] },
    ]);
    expect(JSON.stringify(site.model.requests[1]?.turns)).toContain('id-7');
    // The last turn gets the result of the call that the model made as one.
    expect(site.model.requests[2]?.turns.find(({ role }) => role === 'tools')).toMatchObject({
      results: [{ name: 'load', is_error: false }],
    });
  });

  it('asks again where a step failed, and goes on with what depended on it', async () => {
    const site = openTaskSite({
      tools: {
        flaky: ({ way }) => (way === 'right' ? text('good') : { ...text('wrong way'), isError: true }),
        next: () => text('next'),
      },
      script: [
        planText({ tool: 'flaky', args: { way: 'left' } }, { tool: 'next', depends_on: [1] }),
        { calls: [{ name: 'flaky', arguments: { way: 'right' } }] },
        { text: 'done' },
      ],
    });
    const task = await site.tasks.orchestrate(anOrder(), caller);
    expect(task.status).toBe('completed');
    expect(task.plan).toMatchObject([
      { step: 1, tool: 'flaky', args: { way: 'left' } },
      { step: 2, tool: 'next' },
      { step: 3, tool: 'flaky', args: { way: 'right' }, replaces: 1 },
    ]);
    expect(task.results.steps.map(({ step, success }) => [step, success])).toEqual([
      [1, false],
      [2, true],
      [3, true],
    ]);
    expect(site.called).toEqual(['flaky', 'flaky', 'next']);
  });

  it('goes on without what cannot be mended, and says so', async () => {
    const site = openTaskSite({
      tools: { ...ok, bad: () => ({ ...text('no such file'), isError: true }) },
      script: [
        planText({ tool: 'bad' }, { tool: 'a' }),
        { text: 'done' },
        { text: 'There is no such file.' },
      ],
    });
    const task = await site.tasks.orchestrate(anOrder(), caller);
    expect(task).toMatchObject({ status: 'completed', gemini_response: 'There is no such file.' });
    expect(task.results.steps.map(({ success }) => success)).toEqual([false, true]);
  });

  it('fails where a step fails again and again', async () => {
    const site = openTaskSite({
      tools: { bad: () => ({ ...text('still broken'), isError: true }) },
      script: (request) =>
        request.output ? planText({ tool: 'bad' }) : { calls: [{ name: 'bad', arguments: {} }] },
    });
    const error = await failureOf(site.tasks.orchestrate(anOrder(), caller));
    expect(error).toMatchObject({
      code: 'ORCHESTRATION_FAILED',
      details: { task_id: 'task-000001', tool: 'bad' },
    });
    expect(error.message).toContain('still broken');
    expect(site.called).toHaveLength(4);
    const task = await site.tasks.get('task-000001');
    expect(task).toMatchObject({ status: 'failed', error: { code: 'ORCHESTRATION_FAILED' } });
    expect((await site.told(task.id)).at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'ORCHESTRATION_FAILED', request_id: 'req-1' },
    });
  });

  it('reads resources and gets prompts too', async () => {
    const site = openTaskSite({
      answers: {
        'resources/read': ({ uri }) => ({ contents: [{ uri: uri ?? null, text: 'what the file says' }] }),
        'prompts/get': ({ name }) => ({
          messages: [{ role: 'user', content: { type: 'text', text: `hello from ${JSON.stringify(name)}` } }],
        }),
      },
      script: [
        planText(
          { tool: 'file:///a.txt', action: 'read_resource' },
          { tool: 'greet', action: 'get_prompt', args: null, depends_on: [1] },
        ),
        { calls: [{ name: 'get_prompt', arguments: { name: 'greet', arguments: {} } }] },
        { text: 'done' },
      ],
    });
    const task = await site.tasks.orchestrate(anOrder(), caller);
    expect(task.plan.map(({ action }) => action)).toEqual(['read_resource', 'get_prompt']);
    expect(task.results.documentation).toBe('what the file says\n\nhello from "greet"');
  });

  it('fails a step whose result is too large or too deep to be kept, and goes on', async () => {
    let deep: JsonObject = {};
    for (let depth = 0; depth < 50_000; depth += 1) deep = { deep };
    const site = openTaskSite({
      tools: { ...ok, deep: () => ({ content: [{ type: 'text', text: '' }], structuredContent: deep }) },
      script: [planText({ tool: 'deep' }, { tool: 'a' }), { text: 'done' }, { text: 'done' }],
    });
    const task = await site.tasks.orchestrate(anOrder(), caller);
    expect(task.results.steps).toMatchObject([{ error: { code: 'PAYLOAD_TOO_LARGE' } }, { success: true }]);
  });

  it('keeps a large result whole, and shows the model a short one that says so', async () => {
    const large = 'x'.repeat(500_000);
    const image = { type: 'image', data: 'aGVsbG8=', mimeType: 'image/png' };
    const site = openTaskSite({
      tools: { big: () => ({ content: [{ type: 'text', text: large }, image] }) },
      script: [planText({ tool: 'big' }), { text: 'done' }],
    });
    const task = await site.tasks.orchestrate(anOrder(), caller);
    expect(task.results.steps[0]?.content).toEqual([{ type: 'text', text: large }, image]);
    expect(new TextEncoder().encode(task.results.documentation).length).toBe(64 * 1024);
    const last = site.model.requests.at(-1)?.turns.at(-1);
    if (last?.role !== 'user') throw new Error('the model was not asked by the user');
    const shown = JSON.stringify(last.parts);
    expect(shown.length).toBeLessThan(30_000);
    expect(shown).toContain('shortened');
    expect(last.parts).toContainEqual({ image: { mime_type: 'image/png', data_base64: 'aGVsbG8=' } });
  });
});

describe('a given plan', () => {
  it('runs as it is, without a model', async () => {
    const site = openTaskSite({ tools: ok });
    site.model.configured = false;
    const task = await site.tasks.orchestrate(anOrder(given({ tool: 'a' }, { tool: 'b' })), caller);
    expect(task).toMatchObject({ status: 'completed', gemini_response: null, model: null });
    expect(task.plan.map(({ step, depends_on: dependencies }) => [step, dependencies])).toEqual([
      [1, []],
      [2, [1]],
    ]);
    expect(site.model.requests).toEqual([]);
    expect(typesOf(await site.told(task.id))).toEqual([
      ...['connecting', 'capabilities', 'plan_ready'],
      ...['executing_step', 'tool_result', 'executing_step', 'tool_result', 'complete'],
    ]);
    const again = await site.tasks.orchestrate(anOrder(given(...task.plan)), caller);
    expect(again.plan).toEqual(task.plan);
  });

  it('stops after planning where that is all that was asked for, and can be run then', async () => {
    const site = openTaskSite({
      tools: { find: () => text('7'), load: () => text('loaded') },
      script: [
        planText({ tool: 'find' }, { tool: 'load', args: null, depends_on: [1] }),
        { calls: [{ name: 'load', arguments: { id: 7 } }] },
        { text: 'done' },
      ],
    });
    const planned = await site.tasks.orchestrate(anOrder({ plan_only: true }), caller);
    expect(planned).toMatchObject({
      status: 'awaiting_approval',
      completed_at: null,
      results: { steps: [] },
    });
    expect(site.called).toEqual([]);
    const done = await site.tasks.orchestrate(anOrder(given(...planned.plan)), caller);
    expect(done).toMatchObject({ status: 'completed', gemini_response: 'done' });
    expect(done.plan[1]?.args).toEqual({ id: 7 });
    expect((await site.tasks.cancel(planned.id)).status).toBe('cancelled');
    expect(await failureOf(site.tasks.cancel(planned.id))).toMatchObject({ code: 'CONFLICT' });
  });

  it.each([
    ['an unknown tool', [{ tool: 'a' }, { tool: 'nope' }], 'TOOL_NOT_FOUND'],
    ['arguments that do not fit', [{ tool: 'a', args: { wrong: 1 } }], 'INVALID_REQUEST'],
    ['a secret in an address', [{ action: 'read_resource', tool: 'https://x/?k=hunter2' }], 'FORBIDDEN'],
    ['a secret in its arguments', [{ tool: 'a', args: { x: 'my hunter2' } }], 'FORBIDDEN'],
    [
      'a step that depends on a later one',
      [{ tool: 'a', depends_on: [2] }, { tool: 'b' }],
      'INVALID_REQUEST',
    ],
    ['a step that replaces itself', [{ tool: 'a', replaces: 1 }], 'INVALID_REQUEST'],
    [
      'two steps of one number',
      [
        { tool: 'a', step: 3 },
        { tool: 'b', step: 3 },
      ],
      'INVALID_REQUEST',
    ],
  ])('is refused whole for %s, and kept as failed', async (_, plan, code) => {
    const site = openTaskSite({ tools: ok });
    const error = await failureOf(site.tasks.orchestrate(anOrder(given(...plan)), caller));
    expect(error).toMatchObject({ code, details: { task_id: 'task-000001' } });
    expect(site.called).toEqual([]);
    expect(await site.tasks.get('task-000001')).toMatchObject({ status: 'failed', error: { code } });
  });

  it('fails with the step that failed, and does not run what depends on it', async () => {
    const site = openTaskSite({ tools: { ...ok, bad: () => ({ ...text('broken'), isError: true }) } });
    const plan = given({ tool: 'bad' }, { tool: 'a' }, { tool: 'b', depends_on: [] });
    const error = await failureOf(site.tasks.orchestrate(anOrder(plan), caller));
    expect(error).toMatchObject({
      code: 'ORCHESTRATION_FAILED',
      details: { step: 1, tool: 'bad', reason: 'tool_error' },
    });
    expect(site.called.toSorted()).toEqual(['b', 'bad']);
    expect((await site.tasks.get('task-000001')).results.steps).toHaveLength(2);
  });
});

describe('what ends a task', () => {
  it('an unknown server, which is kept as the reason', async () => {
    const site = openTaskSite();
    const error = await failureOf(site.tasks.orchestrate(anOrder({ server_id: 'nobody' }), caller));
    expect(error).toMatchObject({
      code: 'SERVER_NOT_FOUND',
      details: { server_id: 'nobody', task_id: 'task-000001' },
    });
    expect(typesOf(await site.told('task-000001'))).toEqual(['connecting', 'error']);
  });

  it('a connection that is lost', async () => {
    const site = openTaskSite({
      tools: {
        die: () => {
          throw new McpRequestError('closed', 'The server has closed its output.');
        },
        hang: () => new Promise(() => undefined),
      },
      script: [planText({ tool: 'hang' }, { tool: 'die' })],
    });
    expect(await failureOf(site.tasks.orchestrate(anOrder(), caller))).toMatchObject({
      code: 'ORCHESTRATION_FAILED',
      details: { reason: 'connection_lost', tool: 'die' },
    });
    expect(site.channel.pending).toBe(0);
  });

  it('its time, with what it waited for', async () => {
    const hanging = openTaskSite({ tools: { hang: () => new Promise(() => undefined) } });
    const stuck = failureOf(
      hanging.tasks.orchestrate(anOrder({ ...given({ tool: 'hang' }), timeout_ms: 5_000 }), caller),
    );
    await hanging.clock.advance(5_000);
    expect(await stuck).toMatchObject({ code: 'TOOL_TIMEOUT', details: { tool: 'hang', timeout_ms: 5_000 } });
    expect(hanging.channel.pending).toBe(0);

    const silent = openTaskSite({ tools: ok, script: [{ hangs: true }] });
    const unanswered = failureOf(silent.tasks.orchestrate(anOrder({ timeout_ms: 5_000 }), caller));
    await silent.clock.advance(5_000);
    expect(await unanswered).toMatchObject({ code: 'GEMINI_API_ERROR', details: { reason: 'timeout' } });
  });

  it('whoever cancels it, and nobody who leaves unless asked to', async () => {
    const site = openTaskSite({ tools: { hang: () => new Promise(() => undefined) } });
    const leaving = new AbortController();
    const from = { requestId: 'req-1', signal: leaving.signal };
    const plan = given({ tool: 'hang' });
    const stays = await site.tasks.begin(anOrder(plan), from);
    const goes = site.tasks.orchestrate(anOrder({ ...plan, cancel_on_disconnect: true }), from);
    await site.clock.settle();
    leaving.abort();
    expect((await goes).status).toBe('cancelled');
    expect((await site.tasks.get(stays.id)).status).toBe('running');
    expect(await failureOf(site.tasks.remove(stays.id))).toMatchObject({ code: 'CONFLICT' });
    expect(await site.tasks.cancel(stays.id)).toMatchObject({ status: 'cancelled', error: null });
    expect((await site.told(stays.id)).at(-1)).toMatchObject({ type: 'complete', status: 'cancelled' });
    expect(site.channel.pending).toBe(0);
    expect(await site.tasks.remove(stays.id)).toMatchObject({ status: 'deleted', task_id: stays.id });
    expect(await failureOf(site.tasks.get(stays.id))).toMatchObject({ code: 'TASK_NOT_FOUND' });
  });

  it('our own end, which is stored', async () => {
    const site = openTaskSite({ tools: { hang: () => new Promise(() => undefined) } });
    const waiting = failureOf(site.tasks.orchestrate(anOrder(given({ tool: 'hang' })), caller));
    await site.clock.settle();
    await site.runner.leave();
    expect(await waiting).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(await site.store.find('task-000001')).toMatchObject({ status: 'interrupted' });
    expect(await failureOf(site.tasks.begin(anOrder(), caller))).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    });
    expect(site.clock.sleeping).toBe(0);
  });

  it('a death of ours, of which the next life tells', async () => {
    const store = new MemoryTaskStore();
    await store.insert({
      ...{ id: 'task-0', prompt: 'p', server_id: 'one', status: 'running', owner: 'us' },
      ...{ created_at: new Date(0), started_at: new Date(0), completed_at: null, execution_time: null },
      detail: newDetail,
    });
    await store.save('task-0', { events: [{ number: 1, event: { type: 'planning', message: '…' } }] });
    const site = openTaskSite({ store });
    await site.runner.restore();
    expect(await site.tasks.get('task-0')).toMatchObject({
      status: 'interrupted',
      error: { code: 'SERVICE_UNAVAILABLE' },
    });
    expect(typesOf(await site.told('task-0'))).toEqual(['planning', 'error']);
  });
});

describe('the model', () => {
  const endings = [
    ['key', 'GEMINI_API_ERROR'],
    ['model-not-found', 'GEMINI_API_ERROR'],
    ['blocked', 'ORCHESTRATION_FAILED'],
    ['refused', 'ORCHESTRATION_FAILED'],
  ] as const;
  it.each(endings)('is not asked again after %s', async (fails, code) => {
    const site = openTaskSite({ tools: ok, script: [{ fails }] });
    expect(await failureOf(site.tasks.orchestrate(anOrder(), caller))).toMatchObject({
      code,
      details: { reason: fails },
    });
    expect(site.model.requests).toHaveLength(1);
  });

  it('says when its quota is new again', async () => {
    const site = openTaskSite({ tools: ok, script: [{ fails: 'quota', retryAfterSeconds: 17 }] });
    expect(await failureOf(site.tasks.orchestrate(anOrder(), caller))).toMatchObject({
      code: 'GEMINI_API_ERROR',
      retryAfterSeconds: 17,
      details: { reason: 'quota', retry_after: 17 },
    });
  });

  it('is asked again once after a malformed call', async () => {
    const plan = planText({ tool: 'a' });
    const site = openTaskSite({ tools: ok, script: [{ fails: 'malformed' }, plan, { text: 'done' }] });
    expect((await site.tasks.orchestrate(anOrder(), caller)).status).toBe('completed');
    site.model.script({ fails: 'malformed' }, { fails: 'malformed' });
    expect(await failureOf(site.tasks.orchestrate(anOrder(), caller))).toMatchObject({
      code: 'ORCHESTRATION_FAILED',
      details: { reason: 'malformed' },
    });
  });

  it('is asked again, later and later, while it is out of reach', async () => {
    const outage = { fails: 'outage' as const };
    const site = openTaskSite({ tools: ok, script: [outage, outage, outage, outage] });
    const failing = failureOf(site.tasks.orchestrate(anOrder(), caller));
    await site.clock.advance(60_000);
    expect(await failing).toMatchObject({ code: 'GEMINI_API_ERROR', details: { reason: 'outage' } });
    expect(site.clock.slept.filter((ms) => ms < 300_000)).toEqual([500, 1_000, 2_000]);
    expect(site.model.requests).toHaveLength(4);
  });

  it('is told once what is wrong with its plan', async () => {
    const good = planText({ tool: 'a' });
    const bad = [
      { text: 'Sure! Here is a plan.' },
      planText({ tool: 'a', args: null }),
      planText({ tool: 'a', depends_on: [1] }),
      planText(...Array.from({ length: 21 }, () => ({ tool: 'a' }))),
    ];
    for (const plan of bad) {
      const site = openTaskSite({ tools: ok, script: [plan, good, { text: 'done' }] });
      expect((await site.tasks.orchestrate(anOrder(), caller)).status).toBe('completed');
      expect(JSON.stringify(site.model.requests[1]?.turns.at(-1))).toContain('cannot be run');
    }
    const site = openTaskSite({ tools: ok, script: [{ text: 'no' }, { text: 'no' }] });
    expect(await failureOf(site.tasks.orchestrate(anOrder(), caller))).toMatchObject({
      code: 'ORCHESTRATION_FAILED',
    });
  });

  it('may use no more tokens than the caller allows', async () => {
    const usage = { input_tokens: 60, output_tokens: 50 };
    const site = openTaskSite({ tools: ok, script: [{ ...planText({ tool: 'a' }), usage }] });
    expect(await failureOf(site.tasks.orchestrate(anOrder({ max_tokens: 100 }), caller))).toMatchObject({
      code: 'ORCHESTRATION_FAILED',
      details: { reason: 'max_tokens' },
    });
    expect(site.model.requests[0]?.maxOutputTokens).toBe(100);
  });

  it('has no more steps carried out than the caller allows', async () => {
    const site = openTaskSite({
      tools: { find: () => text('7'), load: () => text('x') },
      script: [
        planText({ tool: 'find' }, { tool: 'load', args: null, depends_on: [1] }),
        { calls: [1, 2, 3].map((id) => ({ name: 'load', arguments: { id } })) },
        { text: 'done' },
      ],
    });
    const task = await site.tasks.orchestrate(anOrder({ max_steps: 2 }), caller);
    expect(task.plan).toHaveLength(2);
    expect(site.called).toEqual(['find', 'load']);
    expect(JSON.stringify(site.model.requests.at(-1)?.turns)).toContain('the limit of steps');
  });

  it('cannot have a secret sent', async () => {
    const site = openTaskSite({
      tools: ok,
      script: [planText({ tool: 'a', args: { x: 'hunter2' } }), { text: 'no' }],
    });
    expect(await failureOf(site.tasks.orchestrate(anOrder(), caller))).toMatchObject({
      code: 'ORCHESTRATION_FAILED',
      details: { reason: 'FORBIDDEN' },
    });
    expect(site.called).toEqual([]);
  });
});

describe('following a task', () => {
  it('goes on behind a number, and says where nothing is left', async () => {
    const site = openTaskSite({ tools: ok });
    const task = await site.tasks.orchestrate(anOrder(given({ tool: 'a' })), caller);
    const read = async (after: number) => {
      const numbers: (number | null)[] = [];
      for await (const { number } of (await site.tasks.follow(task.id, { after, signal: never })) ?? [])
        numbers.push(number);
      return numbers;
    };
    await site.clock.settle();
    expect(await read(0)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await read(4)).toEqual([5, 6]);
    expect(await read(99)).toEqual([]);
    expect(await site.tasks.follow(task.id, { after: 6, signal: never })).toBeNull();
    await expect(site.tasks.follow('task-no', { after: 0, signal: never })).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
    });
  });

  it('tells nothing that a crash could take back', async () => {
    let open = (): void => undefined;
    const stored = new Promise<void>((resolve) => (open = resolve));
    class SlowStore extends MemoryTaskStore {
      override async save(...args: Parameters<MemoryTaskStore['save']>): Promise<void> {
        await stored;
        return super.save(...args);
      }
    }
    const site = openTaskSite({ tools: ok, store: new SlowStore() });
    const { id } = await site.tasks.begin(anOrder(given({ tool: 'a' })), caller);
    const events: TaskEvent[] = [];
    const reading = (async () => {
      for await (const { event } of (await site.tasks.follow(id, { after: 0, signal: never })) ?? [])
        events.push(event);
    })();
    await site.clock.settle();
    expect(site.called).toEqual(['a']);
    expect(events).toEqual([]);
    open();
    await reading;
    expect(typesOf(events).at(-1)).toBe('complete');
  });
});

it('queues what is too much at once', async () => {
  let release = (): void => undefined;
  const held = new Promise<ReturnType<typeof text>>((resolve) => (release = () => resolve(text('x'))));
  const site = openTaskSite({ tools: { hold: () => held }, ports: { maxTasks: 1 } });
  const plan = given({ tool: 'hold' });
  const first = await site.tasks.begin(anOrder(plan), caller);
  const second = await site.tasks.begin(anOrder(plan), caller);
  const third = await site.tasks.begin(anOrder(plan), caller);
  await site.clock.settle();
  expect((await site.tasks.get(first.id)).status).toBe('running');
  expect((await site.tasks.get(second.id)).status).toBe('queued');
  expect((await site.tasks.cancel(third.id)).status).toBe('cancelled');
  release();
  await site.told(second.id);
  expect((await site.tasks.get(second.id)).status).toBe('completed');
});
