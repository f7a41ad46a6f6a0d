// Port: which addresses of remote servers we may connect to.

/**
 * Guards against server-side request forgery: a registered URL must not make us talk to our own machine, our
 * network or a cloud's metadata service.
 */
export interface RemoteHosts {
  /**
   * Why a URL must not be connected to (plain http, a private, loopback or link-local address, or a name that
   * resolves to one), in words for the caller; null when nothing speaks against it. A name that does not resolve
   * now is no reason: the same check is made again, and the address pinned, whenever a connection is opened.
   */
  problem(url: string): Promise<string | null>;
}
