// The guarded way to remote servers.
export { createGuardedNetwork, type GuardedNetwork } from './remote-hosts.ts';
