// How a run ended, and what that is to the record, to the log and to the caller who waits for it.
import { AppError, deploymentFailed } from '../errors.ts';
import type { Failure } from './deployment.ts';
import type { ExitReason } from './sandbox.ts';

/** `interrupted`: we ended it. `fell`: it ended by itself, or never came to serve. */
export type RunEnd = { kind: 'interrupted' } | FallenRun;

export interface FallenRun {
  kind: 'fell';
  reason: Failure['reason'];
  message: string;
  exit: ExitReason | null;
  /** What a part threw for the caller, where one did. */
  error: AppError | null;
}

export function fellBy(
  reason: Failure['reason'],
  message: string,
  more: Partial<Pick<FallenRun, 'exit' | 'error'>> = {},
): FallenRun {
  return { kind: 'fell', reason, message, exit: more.exit ?? null, error: more.error ?? null };
}

/** @param when such as "before it spoke MCP" */
export function fellByExit(exit: ExitReason, when: string): FallenRun {
  switch (exit.kind) {
    case 'exit':
      return fellBy('exit', `It ended with code ${exit.code} ${when}.`, { exit });
    case 'signal':
      return fellBy('signal', `It was ended by ${exit.signal} ${when}.`, { exit });
    case 'out_of_memory':
      return fellBy('out_of_memory', `It used more memory than its limit ${when}.`, { exit });
    case 'disk_full':
      return fellBy('disk_full', `It wrote more to disk than its limit ${when}.`, { exit });
    case 'stopped':
      return fellBy('signal', `It was stopped ${when}.`, { exit });
  }
}

export function failureOf(end: FallenRun, { output, at }: { output: string[]; at: Date }): Failure {
  return {
    reason: end.reason,
    message: end.message,
    code: end.exit?.kind === 'exit' ? end.exit.code : null,
    signal: end.exit?.kind === 'signal' ? end.exit.signal : null,
    output: outputOf(end.error) ?? output,
    at,
  };
}

function outputOf(error: AppError | null): string[] | null {
  const output = error?.details?.['output'];
  return Array.isArray(output) ? output.map(String) : null;
}

export interface FailedDeployment {
  server_id: string;
  deployment_id: string;
  method: string;
}

/** What the caller of a deploy gets: the part's own error where there is one, with what all of them carry. */
export function deployError(end: FallenRun, failure: Failure, subject: FailedDeployment): AppError {
  const { reason, code, signal, output } = failure;
  const details = { ...subject, reason, code, signal, output };
  if (!end.error) return deploymentFailed(`Failed to deploy "${subject.server_id}": ${end.message}`, details);
  return new AppError(end.error.code, end.error.message, {
    details: { ...end.error.details, ...details },
    cause: end.error.cause,
    infrastructure: end.error.infrastructure,
    retryAfterSeconds: end.error.retryAfterSeconds ?? undefined,
  });
}
