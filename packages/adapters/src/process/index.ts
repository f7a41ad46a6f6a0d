// Packages as processes of this machine: the sandbox, and the runtimes over it.
export { createNpmLookUp, type NpmAnswer, type NpmLookUp, type NpmLookUpOptions } from './npm-look-up.ts';
export {
  createProcessRuntimes,
  type ProcessRuntimes,
  type ProcessRuntimesOptions,
} from './package-runtimes.ts';
export { peerUid, type PeerSocket, type TcpConnection } from './peer-uid.ts';
export { createProcessSandbox, type ProcessSandbox, type ProcessSandboxOptions } from './sandbox.ts';
export { defaultUidRange, type UidRange } from './uid-range.ts';
