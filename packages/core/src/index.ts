// What core offers to the other packages, by name.
export { deploymentConfiguration, type DeploymentConfiguration } from './deployments/configuration.ts';
export type { DeploymentPage, DeploymentQuery, DeploymentStore } from './deployments/deployment-store.ts';
export {
  capabilities,
  deployment,
  storedDeployment,
  type Deployment,
  type StoredDeployment,
} from './deployments/deployment.ts';
export type { LocalPorts } from './deployments/local-ports.ts';
export type { MountCheck, MountRoots } from './deployments/mount-roots.ts';
export { logEvent, runningServer, type FollowedLogs, type LogEvent } from './deployments/observation.ts';
export { createRemoteRuntime } from './deployments/remote-runtime.ts';
export { defaultRestartPolicy } from './deployments/restart-policy.ts';
export { deploymentStatus } from './deployments/status.ts';
export type { Channels } from './mcp/channels.ts';
export { defaultHealthOptions } from './mcp/health.ts';
export { serverMetrics } from './telemetry/metrics.ts';
export { tool, toolCallResult } from './tools/tool.ts';
export type { LaunchPlan } from './deployments/launch-plan.ts';
export type {
  Availability,
  OutputLine,
  Prepared,
  PrepareProgress,
  Runtime,
  Workload,
  WorkloadRecord,
  WorkloadStats,
} from './deployments/runtime.ts';
export type {
  Enforced,
  ExitReason,
  IsolationLevel,
  ProcessRecord,
  ResourceLimits,
  Sandbox,
  SandboxedProcess,
  SandboxMount,
  SandboxRequest,
  SandboxStats,
} from './deployments/sandbox.ts';
export {
  AppError,
  conflict,
  deploymentFailed,
  deploymentNotFound,
  deploymentUnavailable,
  forbidden,
  internalError,
  invalidConfiguration,
  invalidRequest,
  methodNotAllowed,
  payloadTooLarge,
  rateLimitExceeded,
  routeNotFound,
  serverNotFound,
  serviceUnavailable,
  unsupportedMediaType,
  type ErrorCode,
  type ErrorDetails,
  type Issue,
} from './errors.ts';
export {
  isJsonObject,
  McpRequestError,
  type ChannelInfo,
  type JsonObject,
  type JsonValue,
  type McpChannel,
  type McpEra,
  type McpNotification,
  type McpRequestFailure,
  type McpServerRequest,
  type Progress,
  type RequestOptions,
} from './mcp/channel.ts';
export {
  McpConnectError,
  type ConnectOptions,
  type McpConnectFailure,
  type McpConnector,
  type McpEndpoint,
} from './mcp/connector.ts';
export { answerLifeMs, claimLifeMs, type AnswerStore, type Claim } from './platform/answer-store.ts';
export type { Clock } from './platform/clock.ts';
export { createFixedWindowLimiter } from './platform/fixed-window-limiter.ts';
export type { IdPrefix, Ids } from './platform/ids.ts';
export type { CachedAnswer, HttpCache } from './platform/http-cache.ts';
export {
  HttpUnreachable,
  type HttpAnswer,
  type HttpReader,
  type HttpReading,
} from './platform/http-reader.ts';
export type { Logger } from './platform/logger.ts';
export type { RateLimiter, RateLimitState } from './platform/rate-limiter.ts';
export { createRedactor, type Redactor } from './platform/redactor.ts';
export { createSlots, type Slots } from './platform/slots.ts';
export {
  CodeHostError,
  type CodeHost,
  type CodeHostFailure,
  type CodeRepository,
  type RepositoryFile,
  type RepositoryPage,
  type RepositoryQuery,
  type RepositoryTree,
} from './servers/code-host.ts';
export { discoverAnswer } from './servers/discover.ts';
export { discoverRequest } from './servers/discover-request.ts';
export type { DiscoveryTimes } from './servers/discovery-readings.ts';
export type { DiscoveryStore, Found } from './servers/discovery-store.ts';
export { emptyFinding, finding, verdict, type Finding } from './servers/finding.ts';
export { serverDetails } from './servers/found-view.ts';
export {
  McpRegistryError,
  type McpRegistry,
  type McpRegistryFailure,
  type RegistryEntry,
  type RegistryPage,
} from './servers/mcp-registry.ts';
export type {
  PackageAnswer,
  PackageFacts,
  PackageRegistry,
  PackageRequest,
} from './servers/package-registry.ts';
export {
  deployMethods,
  identifierProblem,
  launchRecipeView,
  viewOfRecipe,
  type DeployMethod,
  type LaunchMethod,
  type Transport,
} from './servers/launch-recipe.ts';
export type { RemoteHosts } from './servers/remote-hosts.ts';
export type { ServerPage, ServerStore } from './servers/server-store.ts';
export { server, serverRegistration, type Server, type ServerRegistration } from './servers/server.ts';
export { storableText } from './servers/storable-text.ts';
export { createServers, type Servers, type ServersPorts } from './servers/servers.ts';
export { createServices, type Ports, type Runner, type Services } from './services.ts';
export {
  apiVersion,
  createSystem,
  health,
  info,
  type Abilities,
  type MethodAvailability,
  type ReadinessCheck,
  type System,
  type SystemPorts,
} from './system.ts';
export { formatPositions, parseCursor, type Positions } from './telemetry/event-cursor.ts';
export type { EventCursor, EventLog, LoggedEvent, ReadOptions } from './telemetry/event-log.ts';
export { createEventRings, type EventRings, type RingEntry } from './telemetry/event-rings.ts';
export {
  appEvent,
  channel,
  channels,
  eventFilter,
  isAtLeast,
  streamEvent,
  type AppEvent,
  type Channel,
  type EventFilter,
  type GapEvent,
  type StreamEvent,
} from './telemetry/event.ts';
export { logLevel, type LogLevel } from './telemetry/log-level.ts';
export { createBell, type Bell } from './telemetry/bell.ts';
export { createRingEventLog } from './telemetry/ring-event-log.ts';
export { SecretBoxError, type SecretBox, type SecretBoxFailure } from './platform/secret-box.ts';
export { missingLine, type LogArchive } from './telemetry/log-archive.ts';
export { logLine, type LogLine } from './telemetry/log-line.ts';
export type { ArgumentCheck, ArgumentValidator } from './tools/argument-validator.ts';
export { filesToRead, inferLaunch } from './servers/inference/index.ts';
export type { Inference, InferenceInput, InferredRecipe, InferredServer } from './servers/inference/index.ts';
export {
  LanguageModelError,
  type CallResult,
  type LanguageModel,
  type LanguageModelFailure,
  type ModelCall,
  type ModelTurn,
  type TokenUsage,
  type ToolDeclaration,
  type Turn,
  type TurnAnswer,
  type TurnPart,
  type TurnRequest,
} from './tasks/language-model.ts';
export { taskEvent, type NumberedTaskEvent, type TaskEvent } from './tasks/task-event.ts';
export type { StoredTaskEvent, TaskChanges, TaskPage, TaskQuery, TaskStore } from './tasks/task-store.ts';
export {
  task,
  taskDetail,
  taskOrder,
  taskStatus,
  taskStatuses,
  taskSummary,
  type StoredTask,
  type Task,
  type TaskOrder,
  type TaskStatus,
  type TaskSummary,
} from './tasks/task.ts';
export type { TaskCaller, Tasks } from './tasks/tasks.ts';
