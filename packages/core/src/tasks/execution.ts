// The execution of a plan: which steps have begun and what came of them, all that can run at once, and what is untold.
import { payloadTooLarge } from '../errors.ts';
import type { ModelCall } from './language-model.ts';
import type { Offer } from './offer.ts';
import { readySteps, stepOfCall, type Progress, type ReadyStep } from './plan.ts';
import type { CallOutcome, News } from './planner.ts';
import { runStep, type StepOutcome } from './step-run.ts';
import type { TaskRun } from './task-run.ts';
import type { PlanStep } from './task.ts';

export interface Execution {
  readonly progress: Progress;
  /**
   * Runs all that can run, each as soon as it can, until nothing is left that could.
   * @throws AppError when the connection to the server is lost; what runs beside it is then cancelled
   */
  runReady(): Promise<void>;
  /** Steps that failed and of which the model was not told. */
  failures(): StepOutcome[];
  /** What the model was not told yet. */
  news(): News;
  /** Whether the server gave a result to any step. */
  hasResult(): boolean;
  /** Takes the model's next calls into the plan, which is then returned; null where none of them can be carried out. */
  adopt(calls: readonly ModelCall[], options: AdoptOptions): PlanStep[] | null;
}

export interface AdoptOptions {
  offer: Offer;
  stepsLeft: number;
  /** The steps that the model was asked to mend. */
  failed: readonly number[];
}

/** Characters of JSON that the results of one task may have together: they are kept and told whole. */
const largestResults = 64 * 1024 * 1024;

export function beginExecution(run: TaskRun, { steps: planned }: { steps: readonly PlanStep[] }): Execution {
  let steps = [...planned];
  const begun = new Set<number>();
  const succeeded = new Set<number>();
  let untold: StepOutcome[] = [];
  /** Which step each of the model's last calls became, or why it became none. */
  let calls = new Map<string, number | string>();
  let hasResult = false;
  let resultsSize = 0;
  const progress: Progress = {
    get steps() {
      return steps;
    },
    begun,
    succeeded,
  };

  const withinLimit = (outcome: StepOutcome): StepOutcome => {
    const size = sizeOf([outcome.content, outcome.structured_content]);
    if (resultsSize + size <= largestResults) {
      resultsSize += size;
      return outcome;
    }
    const cause = payloadTooLarge(
      `The results of this task would have more than ${largestResults} characters, or are nested too deeply.`,
    );
    const { code, message } = cause;
    return {
      ...outcome,
      success: false,
      content: [],
      structured_content: null,
      error: { code, message },
      cause,
    };
  };

  const execute = async (step: ReadyStep, signal: AbortSignal): Promise<void> => {
    const { order, tell, ports, waitsFor } = run;
    const { step: number, action, tool, args } = step;
    begun.add(number);
    tell({ type: 'executing_step', step_index: number, total_steps: steps.length, action, tool, args });
    waitsFor.tools.set(number, tool);
    const outcome = withinLimit(
      await runStep(order.server_id, step, { ports, signal }).finally(() => waitsFor.tools.delete(number)),
    );
    untold.push(outcome);
    if (outcome.success) succeeded.add(number);
    if (!outcome.cause) hasResult = true;
    tell(resultEvent(outcome));
  };

  return {
    progress,

    async runReady() {
      const scope = new AbortController();
      const signal = AbortSignal.any([run.signal, scope.signal]);
      const running = new Map<number, Promise<void>>();
      try {
        for (;;) {
          for (const step of readySteps(progress)) {
            const execution = execute(step, signal).finally(() => running.delete(step.step));
            running.set(step.step, execution);
          }
          if (running.size === 0) return;
          await Promise.race(running.values());
        }
      } finally {
        scope.abort();
        await Promise.allSettled(running.values());
      }
    },

    failures: () => untold.filter(({ success }) => !success),

    hasResult: () => hasResult,

    news() {
      const outcomes = new Map(untold.map((outcome) => [outcome.step, outcome]));
      const ofCalls = new Map<string, CallOutcome>();
      for (const [id, became] of calls) {
        const outcome = typeof became === 'number' ? outcomes.get(became) : undefined;
        if (outcome) outcomes.delete(outcome.step);
        ofCalls.set(
          id,
          outcome ?? { notDone: typeof became === 'string' ? became : 'It was not carried out.' },
        );
      }
      return { results: [...outcomes.values()], calls: ofCalls };
    },

    adopt(asked, { offer, stepsLeft, failed }) {
      untold = [];
      calls = new Map();
      let adopted = 0;
      for (const call of asked) {
        const planned = offer.readCall(call);
        if (!planned) calls.set(call.id, 'The server offers nothing of this name.');
        else if (adopted >= stepsLeft) calls.set(call.id, 'Not carried out: the limit of steps is reached.');
        else {
          const step = stepOfCall(planned, { progress, failed });
          steps = steps.some((known) => known.step === step.step)
            ? steps.map((known) => (known.step === step.step ? step : known))
            : [...steps, step];
          calls.set(call.id, step.step);
          adopted += 1;
        }
      }
      return adopted > 0 ? steps : null;
    },
  };
}

/** In characters of JSON; what is nested too deeply to be written fits nowhere. */
function sizeOf(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    return Infinity;
  }
}

const resultEvent = (outcome: StepOutcome) => {
  const { step, tool, success, content, structured_content, error, execution_time } = outcome;
  return {
    type: 'tool_result' as const,
    step_index: step,
    tool,
    success,
    result: error ? null : { content, structured_content, is_error: !success },
    error,
    execution_time,
  };
};
