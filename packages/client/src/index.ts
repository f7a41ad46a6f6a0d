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
  RouterInputs,
  RouterOutputs,
  Server,
  ServerDetails,
  ServerRegistration,
  StreamEvent,
} from './operations.ts';
