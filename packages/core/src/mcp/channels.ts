// Port: the way to a running server, wherever it runs.
import type { McpChannel } from './channel.ts';

export interface Channels {
  /**
   * The channel of the server's deployment: one and the same for all who ask. Listings come from what we keep of
   * the server, secrets of the deployment are redacted, calls are counted.
   * Waits a few seconds for a server that is about to serve again.
   * @throws AppError SERVER_NOT_FOUND, SERVER_NOT_RUNNING, SERVICE_UNAVAILABLE (it is restarting; with a time to try again)
   */
  open(serverId: string, signal: AbortSignal): Promise<McpChannel>;
}
