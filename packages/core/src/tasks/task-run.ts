// One task from its beginning to its end: a plain loop over the steps that can run, and over what the model says to them.
import { AppError, forbidden, invalidRequest, orchestrationFailed, toolNotFound } from '../errors.ts';
import type { ArgumentValidator } from '../tools/argument-validator.ts';
import { beginExecution, type Execution } from './execution.ts';
import type { Asking } from './model-asking.ts';
import { readOffer, type Offer } from './offer.ts';
import { givenPlan, openSteps } from './plan.ts';
import { createPlanner, type News, type Planner } from './planner.ts';
import type { StepOutcome, StepPorts } from './step-run.ts';
import type { TaskEvent } from './task-event.ts';
import { cut, textOf, type PlanStep, type TaskDetail, type TaskOrder } from './task.ts';

export interface TaskRunPorts extends StepPorts {
  argumentValidator: ArgumentValidator;
  /** What clients speak with a server: stdio, http or sse; null where that is not known. */
  protocolOf: (serverId: string) => Promise<string | null>;
}

export interface TaskRun {
  taskId: string;
  order: TaskOrder;
  asking: Asking;
  /** What is stored of it beside its events; changed as it goes on. */
  detail: TaskDetail;
  tell: (event: TaskEvent) => void;
  ports: TaskRunPorts;
  signal: AbortSignal;
  /** What it waits for at the moment, for whoever has to say that it took too long. */
  waitsFor: { tools: Map<number, string>; model: boolean };
}

/** Beyond what the steps need: how often the model may mend what failed. */
const maxRepairs = 3;

/**
 * @returns the status to end with
 * @throws AppError of the codes that the specification has for it
 * @throws the signal's reason
 */
export async function runTask(run: TaskRun): Promise<'completed' | 'awaiting_approval'> {
  const { order, tell, ports, signal } = run;
  const { server_id: serverId } = order;
  tell({ type: 'connecting', task_id: run.taskId, message: `Connecting to ${serverId}...` });
  const offer = await readOffer(serverId, ports, signal);
  tell({
    type: 'capabilities',
    protocol: await ports.protocolOf(serverId),
    tools_count: offer.tools.length,
    tools: offer.tools.map(({ name, description }) => ({ name, description })),
    resources_count: offer.resources.length,
    prompts_count: offer.prompts.length,
  });
  const planner = createPlanner({
    ask: (question) => whileAsking(run, () => run.asking.ask(question)),
    offer,
    prompt: order.prompt,
    context: order.context,
    maxSteps: order.max_steps,
  });
  const steps = order.plan ? planGiven(run, offer) : await planByModel(run, planner);
  tellPlan(run, steps, 0);
  if (order.plan_only) return 'awaiting_approval';
  // A plan that is known whole needs no model: it runs as it is, and has no answer in words.
  const isReplay = order.plan !== undefined && steps.every(({ args }) => args !== null);
  if (order.plan && !isReplay) planner.adopt(steps);
  const news = await carryOut(run, { steps, offer, planner: isReplay ? null : planner });
  if (!isReplay) {
    const onText = (text: string, attempt: number): void => tell({ type: 'gemini_delta', text, attempt });
    const response = await planner.answer(news, onText);
    run.detail.gemini_response = response;
    tell({ type: 'gemini_response', response });
  }
  return 'completed';
}

async function whileAsking<T>({ waitsFor }: TaskRun, ask: () => Promise<T>): Promise<T> {
  waitsFor.model = true;
  try {
    return await ask();
  } finally {
    waitsFor.model = false;
  }
}

async function planByModel({ tell }: TaskRun, planner: Planner): Promise<PlanStep[]> {
  tell({ type: 'planning', message: 'Generating execution plan with Gemini...' });
  return planner.plan();
}

/** Everything that can be wrong with a given plan is said before any of it runs. */
function planGiven({ order, ports }: TaskRun, offer: Offer): PlanStep[] {
  const steps = givenPlan(order.plan ?? []);
  if (steps.length > order.max_steps)
    throw invalidRequest(`The plan has ${steps.length} steps, and max_steps is ${order.max_steps}.`, [
      { path: ['plan'], code: 'too_big', message: `at most ${order.max_steps} steps` },
    ]);
  const issues = steps.flatMap(({ action, tool: name, args }, index) => {
    if (ports.carriesSecret({ tool: name, args }))
      throw forbidden(`Step ${index + 1} of the plan carries a secret that was given to a deployment.`);
    if (action !== 'invoke_tool') return [];
    const tool = offer.tools.find((one) => one.name === name);
    if (!tool) throw toolNotFound(order.server_id, name);
    if (args === null) return [];
    return ports.argumentValidator
      .validate(tool.input_schema, args)
      .issues.map((issue) => ({ ...issue, path: ['plan', index, 'args', ...issue.path] }));
  });
  if (issues.length > 0)
    throw invalidRequest(
      'The plan’s arguments do not fit the schemas of its tools; see details.issues.',
      issues,
    );
  return steps;
}

function tellPlan({ tell, detail }: TaskRun, plan: PlanStep[], revision: number): void {
  detail.plan = plan;
  detail.revision = revision;
  tell({ type: 'plan_ready', plan, steps_count: plan.length, revision });
}

/** What is to be carried out, and who may be asked about it. */
interface Work {
  steps: PlanStep[];
  offer: Offer;
  /** Null where nobody is asked. */
  planner: Planner | null;
}

/** @returns what the model is still to be told */
async function carryOut(run: TaskRun, work: Work): Promise<News> {
  const execution = beginExecution(run, work);
  const startedAt = run.ports.clock.now();
  try {
    await untilDone(run, work, execution);
  } finally {
    // The recorded plan is what was done.
    run.detail.plan = execution.progress.steps.filter(({ step }) => execution.progress.begun.has(step));
    run.detail.results_time = (run.ports.clock.now() - startedAt) / 1000;
  }
  return execution.news();
}

async function untilDone(run: TaskRun, { offer, planner }: Work, execution: Execution): Promise<void> {
  let repairs = 0;
  for (let revision = run.detail.revision + 1; ; revision += 1) {
    await execution.runReady();
    const failed = execution.failures();
    const open = openSteps(execution.progress);
    const [failure] = failed;
    if (open.length === 0 && !failure) return;
    if (failure) repairs += 1;
    const stepsLeft = run.order.max_steps - execution.progress.begun.size;
    const mayAsk = planner !== null && repairs <= maxRepairs && stepsLeft > 0;
    if (failure && !mayAsk) throw failureOf(failure);
    if (!mayAsk) return;
    const asked = await planner.nextCalls({ ...execution.news(), open, stepsLeft });
    const steps = execution.adopt(asked, { offer, stepsLeft, failed: failed.map(({ step }) => step) });
    if (!steps) {
      // It goes on without what failed; but where the server gave no result at all there is nothing to go on with.
      if (failure && !execution.hasResult()) throw failureOf(failure);
      return;
    }
    tellPlan(run, steps, revision);
  }
}

function failureOf({ step, tool, content, cause }: StepOutcome): AppError {
  const details = { ...cause?.details, step, tool, reason: cause?.code ?? 'tool_error' };
  if (cause?.code === 'TOOL_TIMEOUT') return new AppError('TOOL_TIMEOUT', cause.message, { details, cause });
  const said = cause?.message ?? content.map(textOf).find((text) => text !== '') ?? 'it says no more';
  return orchestrationFailed(`Step ${step} ("${tool}") failed: ${cut(said, 1_000)}`, details, cause);
}
