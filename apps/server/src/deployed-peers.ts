// Whether a connection comes from a process that we run for somebody. Processes share the machine's network with us, so
// they can reach our port; nothing but whose their sockets are tells them from a person's programs.
import type { peerUid, ProcessSandbox } from '@insightloop/adapters/process';
import type { FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';

export interface PeerCheckOptions {
  peerUid: typeof peerUid;
  sandbox: Pick<ProcessSandbox, 'ownsUid' | 'ownsSocket'>;
  /** The tables of sockets are Linux's; elsewhere processes are not isolated, and nothing can be told. */
  isLinux: boolean;
}

/** Asked once for each connection: whose socket it is does not change. */
export function createPeerCheck(options: PeerCheckOptions): (request: FastifyRequest) => Promise<boolean> {
  const verdicts = new WeakMap<Socket, Promise<boolean>>();
  if (!options.isLinux) return () => Promise.resolve(false);
  return ({ socket }) => {
    const known = verdicts.get(socket);
    if (known) return known;
    const verdict = isDeployed(socket, options);
    verdicts.set(socket, verdict);
    return verdict;
  };
}

async function isDeployed(socket: Socket, { peerUid, sandbox }: PeerCheckOptions): Promise<boolean> {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  // Gone before we looked: there is nobody left to answer.
  if (!localAddress || !localPort || !remoteAddress || !remotePort) return true;
  const peer = await peerUid({ localAddress, localPort, remoteAddress, remotePort });
  if (peer === 'remote') return false;
  // A caller on this machine who has left could be anybody, also one of ours who means to hide.
  return peer === 'unknown' || sandbox.ownsUid(peer.uid) || (await sandbox.ownsSocket(peer.inode));
}
