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
  FoundServer,
  InsightLoopClient,
  LogEvent,
  RouterInputs,
  RouterOutputs,
  Server,
  ServerDetails,
  ServerRegistration,
  StreamEvent,
  Task,
  TaskEvent,
} from './operations.ts';
export type { StreamFailures, StreamMessage, StreamRequest, StreamTransport } from './stream-transport.ts';
