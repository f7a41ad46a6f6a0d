// The fake keeps the contract.
import { describeDiscoveryStore } from './discovery-store-contract.ts';
import { MemoryDiscoveryStore } from './memory-discovery-store.ts';
import { MemoryServerStore } from './memory-server-store.ts';

describeDiscoveryStore('in memory', () => {
  const servers = new MemoryServerStore();
  return Promise.resolve({ store: new MemoryDiscoveryStore(servers), servers, end: () => undefined });
});
