// The least MCP server that there is: JSON-RPC over stdio, no dependencies. Tests publish it within their packages.
import { createInterface } from 'node:readline';

const send = (message) => {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
};

const results = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'plain', version: '1.0.0' },
  }),
  ping: () => ({}),
};

/**
 * Each tool takes its arguments and a reporter of progress; what it returns is its text, as JSON unless it is a string.
 * @param {Record<string, (args: any, tools: { progress(value: number): void }) => unknown>} tools
 */
export function serve(tools) {
  const call = async ({ name, arguments: args, _meta }) => {
    const progress = (value) =>
      send({
        method: 'notifications/progress',
        params: { progressToken: _meta?.progressToken, progress: value },
      });
    const value = await tools[name](args ?? {}, { progress });
    return { content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }] };
  };
  const answer = async ({ method, params }) => {
    if (method === 'tools/list')
      return { tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } })) };
    if (method === 'tools/call') return call(params);
    const result = results[method];
    if (!result) throw Object.assign(new Error(`no method ${method}`), { code: -32601 });
    return result(params ?? {});
  };
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const message = JSON.parse(line);
      if (message.method === 'notifications/cancelled') console.error('a call was cancelled');
      if (message.id === undefined || message.method === undefined) return;
      answer(message).then(
        (result) => send({ id: message.id, result }),
        (error) =>
          send({ id: message.id, error: { code: error.code ?? -32603, message: String(error.message) } }),
      );
    })
    .on('close', () => process.exit(0));
}
