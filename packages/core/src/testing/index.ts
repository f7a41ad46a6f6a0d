// Fakes of the ports, and the suites that a fake and the real thing both pass.
export { describeAnswerStore, type AnswerStoreSubject } from './answer-store-contract.ts';
export { describeChannel, type ChannelSubject } from './channel-contract.ts';
export { describeCodeHost, type CodeHostSubject } from './code-host-contract.ts';
export { describeDeploymentStore, type DeploymentStoreSubject } from './deployment-store-contract.ts';
export { describeDiscoveryStore, type DiscoveryStoreSubject } from './discovery-store-contract.ts';
export { describeEventLog, type EventLogContract, type EventLogSubject } from './event-log-contract.ts';
export { FakeChannel, type FakeChannelOptions } from './fake-channel.ts';
export { FakeCodeHost, type CodeHostCall } from './fake-code-host.ts';
export { FakeMcpRegistry, type ServerJson } from './fake-mcp-registry.ts';
export { FakePackageRegistry, type PackageDraft } from './fake-package-registry.ts';
export { FakeClock } from './fake-clock.ts';
export {
  failingProgram,
  garbageProgram,
  mcpProgram,
  programInTurn,
  silentProgram,
  slowProgram,
  stubbornProgram,
} from './fake-programs.ts';
export { FakeRuntime, type FakeRuntimeOptions, type Hold } from './fake-runtime.ts';
export { FakeSandbox } from './fake-sandbox.ts';
export { FakeSecretBox } from './fake-secret-box.ts';
export { FakeWorkload, type FakeProgram } from './fake-workload.ts';
export { hostedRepository, type HostedRepository, type RepositoryDraft } from './hosted-repository.ts';
export { describeLanguageModel, type LanguageModelSubject } from './language-model-contract.ts';
export { archivedLine, describeLogArchive, type LogArchiveSubject } from './log-archive-contract.ts';
export { MemoryAnswerStore } from './memory-answer-store.ts';
export { MemoryDeploymentStore } from './memory-deployment-store.ts';
export { MemoryDiscoveryStore } from './memory-discovery-store.ts';
export { MemoryHttpCache } from './memory-http-cache.ts';
export { MemoryLogArchive } from './memory-log-archive.ts';
export { MemoryServerStore } from './memory-server-store.ts';
export { describeMcpRegistry, type McpRegistrySubject } from './mcp-registry-contract.ts';
export { describePackageRegistry, type PackageRegistrySubject } from './package-registry-contract.ts';
export { MemoryTaskStore } from './memory-task-store.ts';
export { describeRuntime, type RuntimeSubject } from './runtime-contract.ts';
export { describeSandbox, type SandboxProgram, type SandboxSubject } from './sandbox-contract.ts';
export {
  ScriptedLanguageModel,
  type Script,
  type ScriptedCall,
  type ScriptedTurn,
} from './scripted-language-model.ts';
export {
  everydayAnswers,
  ScriptedError,
  ScriptedMcpServer,
  type ScriptContext,
  type ScriptedAnswer,
} from './scripted-mcp-server.ts';
export { describeSecretBox } from './secret-box-contract.ts';
export { describeServerStore, type ServerStoreSubject } from './server-store-contract.ts';
export { describeTaskStore, type TaskStoreSubject } from './task-store-contract.ts';
