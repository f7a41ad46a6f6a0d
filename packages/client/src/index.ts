// The SDK of InsightLoop MCP Orchestrator.
export { createInsightLoopClient, type InsightLoopClientOptions } from './client.ts';
export type { EventStream } from './event-stream.ts';
export {
  InsightLoopError,
  type InsightLoopErrorCode,
  type InsightLoopErrorOptions,
} from './insightloop-error.ts';
export type {
  CallOptions,
  Channel,
  InsightLoopClient,
  RouterInputs,
  RouterOutputs,
  Server,
  ServerRegistration,
  StreamEvent,
  Task,
  TaskEvent,
} from './operations.ts';
