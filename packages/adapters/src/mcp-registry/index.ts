// The official registry of MCP servers.
export { createMcpRegistry, type McpRegistryOptions } from './mcp-registry.ts';
