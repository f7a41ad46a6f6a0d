// A server on the official SDK, of either era, with the tools of the channel contract.
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

export function sdkServer(): McpServer {
  const server = new McpServer({ name: 'sdk', version: '1.0.0' });
  const echo = { inputSchema: z.object({ message: z.string() }) };
  server.registerTool('echo', echo, ({ message }) => text(`Echo: ${message}`));
  server.registerTool(
    'trigger-long-running-operation',
    { inputSchema: z.object({ duration: z.number(), steps: z.number() }) },
    async ({ duration, steps }, { mcpReq }) => {
      const { _meta, notify } = mcpReq;
      for (let progress = 1; progress <= steps; progress++) {
        await new Promise((resolve) => setTimeout(resolve, (duration / steps) * 1000));
        if (_meta?.progressToken === undefined) continue;
        const params = { progressToken: _meta.progressToken, progress, total: steps };
        await notify({ method: 'notifications/progress', params });
      }
      return text(`Long running operation completed. Duration: ${duration} seconds, Steps: ${steps}.`);
    },
  );
  const region = z.string().meta({ 'x-mcp-header': 'Region' });
  server.registerTool('where', { inputSchema: z.object({ region }) }, (args) => text(args.region));
  server.registerTool('change-tools', {}, () => {
    server.sendToolListChanged();
    return text('changed');
  });
  return server;
}

const text = (value: string): { content: { type: 'text'; text: string }[] } => ({
  content: [{ type: 'text', text: value }],
});
