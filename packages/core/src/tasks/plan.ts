// Plans: the rules on their steps, which of them can run now, and what the model's calls make of one.
import { invalidRequest, type Issue } from '../errors.ts';
import type { GivenStep, PlanAction, PlanStep } from './task.ts';

/**
 * The plan that a caller gives.
 * @throws AppError INVALID_REQUEST where two steps have one number, or one depends on no step before it
 */
export function givenPlan(given: readonly GivenStep[]): PlanStep[] {
  const steps = given.map((step, index): PlanStep => {
    const number = step.step ?? index + 1;
    const before = given[index - 1];
    return {
      step: number,
      action: step.action,
      tool: step.tool,
      args: step.args,
      purpose: step.purpose ?? null,
      depends_on: step.depends_on ?? (before ? [before.step ?? index] : []),
      replaces: step.replaces ?? null,
    };
  });
  const issues = problemsOf(steps);
  if (issues.length > 0)
    throw invalidRequest(
      'The plan cannot be run; see details.issues.',
      issues.map((issue) => ({ ...issue, path: ['plan', ...issue.path] })),
    );
  return steps;
}

/** Referring only to steps before it, no step waits for itself. */
export function problemsOf(steps: readonly PlanStep[]): Issue[] {
  const before = new Set<number>();
  return steps.flatMap(({ step, depends_on: dependencies, replaces }, index) => {
    const issues: Issue[] = [];
    if (before.has(step))
      issues.push({ path: [index, 'step'], code: 'duplicate', message: `there are two steps ${step}` });
    for (const dependency of dependencies)
      if (!before.has(dependency))
        issues.push({
          path: [index, 'depends_on'],
          code: 'unknown_step',
          message: `${dependency} is the number of no step before it`,
        });
    if (replaces !== null && !before.has(replaces))
      issues.push({
        path: [index, 'replaces'],
        code: 'unknown_step',
        message: `${replaces} is the number of no step before it`,
      });
    before.add(step);
    return issues;
  });
}

/** How far a plan is. */
export interface Progress {
  steps: readonly PlanStep[];
  /** Steps that have begun. */
  begun: ReadonlySet<number>;
  succeeded: ReadonlySet<number>;
}

/** A step is done when it succeeded, or one that replaces it is done. */
function isDone(step: number, progress: Progress): boolean {
  return (
    progress.succeeded.has(step) ||
    progress.steps.some((other) => other.replaces === step && isDone(other.step, progress))
  );
}

const isFree = ({ depends_on: dependencies }: PlanStep, progress: Progress): boolean =>
  dependencies.every((dependency) => isDone(dependency, progress));

export type ReadyStep = PlanStep & { args: NonNullable<PlanStep['args']> };

const hasArguments = (step: PlanStep): step is ReadyStep => step.args !== null;

/** What can run now: not begun, its arguments known, and everything done that it depends on. */
export const readySteps = (progress: Progress): ReadyStep[] =>
  progress.steps
    .filter(hasArguments)
    .filter((step) => !progress.begun.has(step.step) && isFree(step, progress));

export const openSteps = ({ steps, begun }: Progress): PlanStep[] =>
  steps.filter(({ step }) => !begun.has(step));

/** A call that the model made, in terms of a plan. */
export interface PlannedCall {
  action: PlanAction;
  tool: string;
  args: NonNullable<PlanStep['args']>;
}

/**
 * Makes a step of a call: one that waited for its arguments gets them, and waits for nothing any more; else it is a
 * new step, which takes the place of the failed one of the same tool, or of the only failed one.
 */
export function stepOfCall(
  call: PlannedCall,
  { progress, failed }: { progress: Progress; failed: readonly number[] },
): PlanStep {
  const isSame = ({ action, tool }: PlanStep): boolean => action === call.action && tool === call.tool;
  const waiting = openSteps(progress).find((step) => isSame(step) && !readyNow(step, progress));
  if (waiting)
    return {
      ...waiting,
      args: call.args,
      depends_on: waiting.depends_on.filter((dependency) => isDone(dependency, progress)),
    };
  const unreplaced = progress.steps.filter(
    ({ step }) => failed.includes(step) && !progress.steps.some(({ replaces }) => replaces === step),
  );
  const replaced = unreplaced.find(isSame) ?? (unreplaced.length === 1 ? unreplaced[0] : undefined);
  return {
    step: Math.max(0, ...progress.steps.map(({ step }) => step)) + 1,
    ...call,
    purpose: replaced?.purpose ?? null,
    depends_on: [],
    replaces: replaced?.step ?? null,
  };
}

const readyNow = (step: PlanStep, progress: Progress): boolean =>
  hasArguments(step) && isFree(step, progress);
