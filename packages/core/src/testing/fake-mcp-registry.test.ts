// The fake of McpRegistry does what every McpRegistry must.
import { FakeMcpRegistry } from './fake-mcp-registry.ts';
import { describeMcpRegistry } from './mcp-registry-contract.ts';

describeMcpRegistry('FakeMcpRegistry', async () => {
  const registry = new FakeMcpRegistry();
  return {
    registry,
    publish: (server, updatedAt) => registry.publish(server, updatedAt),
    withdraw: (name) => registry.withdraw(name),
    failWith: (failure) => registry.failWith(failure),
    end: () => undefined,
  };
});
