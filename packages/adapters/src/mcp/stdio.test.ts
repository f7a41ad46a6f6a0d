// Channels over in-process streams, to servers of either era.
import { describeChannel, ScriptedMcpServer } from '@insightloop/core/testing';
import type { McpEra } from '@insightloop/core';
import { createMcpConnector } from './connector.ts';
import { silent } from './testing/silent-logger.ts';

const connector = createMcpConnector({ client: { name: 'test', version: '1.0.0' }, logger: silent });

const eras: McpEra[] = ['legacy', 'modern'];
for (const era of eras) {
  describeChannel(`stdio in process, ${era}`, async () => {
    const server = new ScriptedMcpServer(era);
    const signal = new AbortController().signal;
    const channel = await connector.connect(server.endpoint, { signal, timeoutMs: 10_000 });
    return { channel, era, changeTools: () => server.changeTools(), end: () => server.end() };
  });
}
