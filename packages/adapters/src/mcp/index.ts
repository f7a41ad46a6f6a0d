// MCP: channels to servers over stdio and HTTP, and the endpoint that offers a channel to standard clients.
export { createMcpBridge, type McpBridge } from './bridge/bridge.ts';
export type { McpBridgeOptions } from './bridge/bridge-state.ts';
export type { BridgeRequest, BridgeResponse } from './bridge/exchange.ts';
export { createMcpConnector, type McpConnectorOptions } from './connector.ts';
