// Port: TCP ports of this machine's loopback, on which deployments can be reached.

export interface LocalPorts {
  /** One that nothing listens on now. */
  free(): Promise<number>;
  isFree(port: number): Promise<boolean>;
  /**
   * Offers a server's MCP endpoint on a port of its own, beside the one on ours.
   * @returns what ends it
   * @throws AppError INVALID_CONFIGURATION when the port is in use
   */
  bridge(port: number, serverId: string): Promise<() => Promise<void>>;
}
