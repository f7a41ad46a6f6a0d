// Carrying out one step: the call of a tool, the reading of a resource, the getting of a prompt.
import { z } from 'zod';
import { AppError, forbidden, orchestrationFailed, toolCallFailed, toolTimeout } from '../errors.ts';
import type { Channels } from '../mcp/channels.ts';
import { McpRequestError, type JsonObject } from '../mcp/channel.ts';
import type { Clock } from '../platform/clock.ts';
import { jsonObject } from '../tools/tool.ts';
import type { Tools } from '../tools/tools.ts';
import type { ReadyStep } from './plan.ts';
import type { StepResult } from './task.ts';

export interface StepPorts {
  tools: Tools;
  channels: Channels;
  clock: Clock;
  /** Whether a text of these arguments is a secret that was given to a deployment. */
  carriesSecret: (args: JsonObject) => boolean;
}

/** Without an answer and without progress; a step may take longer as long as it reports some. */
const stepTimeoutMs = 60_000;

export interface StepOutcome extends StepResult {
  /** The error of a step that got no result; null where it got one. */
  cause: AppError | null;
}

/**
 * A tool's own error is a result, and so is what the server refuses: the model may know better then.
 * @throws AppError ORCHESTRATION_FAILED when the connection to the server is lost: no other step will fare better
 * @throws the signal's reason
 */
export async function runStep(
  serverId: string,
  step: ReadyStep,
  { ports, signal }: { ports: StepPorts; signal: AbortSignal },
): Promise<StepOutcome> {
  const startedAt = ports.clock.now();
  const outcome = (
    success: boolean,
    result: Pick<StepResult, 'content' | 'structured_content'>,
    cause: AppError | null = null,
  ): StepOutcome => ({
    step: step.step,
    tool: step.tool,
    success,
    ...result,
    execution_time: (ports.clock.now() - startedAt) / 1000,
    error: cause && { code: cause.code, message: cause.message },
    cause,
  });
  try {
    // A resource's address goes to the server as well.
    if (ports.carriesSecret({ tool: step.tool, args: step.args }))
      throw forbidden(
        `The arguments of step ${step.step} carry a secret that was given to a deployment: it was not carried out.`,
      );
    const {
      content,
      structured_content,
      is_error: isError,
    } = await carryOut(serverId, step, { ports, signal });
    return outcome(!isError, { content, structured_content });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AppError)) throw error;
    if (isConnectionLost(error)) throw connectionLost(serverId, step, error);
    return outcome(false, { content: [], structured_content: null }, error);
  }
}

interface Result {
  content: StepResult['content'];
  structured_content: StepResult['structured_content'];
  is_error: boolean;
}

async function carryOut(
  serverId: string,
  step: ReadyStep,
  { ports, signal }: { ports: StepPorts; signal: AbortSignal },
): Promise<Result> {
  if (step.action === 'invoke_tool') {
    const call = { serverId, tool: step.tool, arguments: step.args, timeoutMs: stepTimeoutMs, signal };
    return (await ports.tools.call(call)).result;
  }
  const channel = await ports.channels.open(serverId, signal);
  const isReading = step.action === 'read_resource';
  const answer = await channel
    .request(
      isReading ? 'resources/read' : 'prompts/get',
      isReading ? { uri: step.tool } : { name: step.tool, arguments: step.args },
      { signal, timeoutMs: stepTimeoutMs, onProgress: () => undefined },
    )
    .catch((error: unknown) => {
      throw error instanceof McpRequestError ? requestFailure(error, serverId, step) : error;
    });
  return isReading ? readResource(answer) : readPrompt(answer);
}

function requestFailure(error: McpRequestError, serverId: string, { tool }: ReadyStep): AppError {
  if (error.failure === 'timeout') return toolTimeout(serverId, tool, stepTimeoutMs);
  const details = { server_id: serverId, tool, ...(error.rpc && { rpc_error: error.rpc }) };
  return toolCallFailed(`"${tool}" brought no result: ${error.message}`, details, error);
}

const resourceAnswer = z.object({ contents: z.array(jsonObject).catch([]) });

const readResource = (answer: JsonObject): Result => ({
  content: resourceAnswer.parse(answer).contents.map((resource) => ({ type: 'resource', resource })),
  structured_content: null,
  is_error: false,
});

const promptAnswer = z.object({
  messages: z.array(z.looseObject({ role: z.string(), content: jsonObject })).catch([]),
});

/** The roles stand in the structured part: content alone has none. */
function readPrompt(answer: JsonObject): Result {
  const { messages } = promptAnswer.parse(answer);
  return {
    content: messages.map(({ content }) => content),
    structured_content: { messages },
    is_error: false,
  };
}

/** The server is gone or restarts, or its connection broke under the call. One that has too much to do is not lost. */
function isConnectionLost({ code, cause }: AppError): boolean {
  const failure = cause instanceof McpRequestError ? cause.failure : null;
  if (code === 'TOOL_CALL_FAILED') return failure === 'closed';
  if (code === 'SERVICE_UNAVAILABLE') return failure !== 'overloaded';
  return code === 'SERVER_NOT_RUNNING' || code === 'SERVER_NOT_FOUND';
}

const connectionLost = (serverId: string, { step, tool }: ReadyStep, cause: AppError): AppError =>
  orchestrationFailed(
    `The connection to "${serverId}" was lost in step ${step} ("${tool}"): ${cause.message}`,
    { server_id: serverId, step, tool, reason: 'connection_lost' },
    cause,
  );
