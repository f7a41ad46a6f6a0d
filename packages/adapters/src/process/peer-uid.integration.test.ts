// Whose a connection is, asked of the real kernel, also when the peer would rather not be known.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peerUid } from './peer-uid.ts';
import { firstLineOf, nodeCommand, openSandboxSite, type SandboxSite } from './testing/sandbox-site.ts';

let site: SandboxSite;
let server: Server;
let port: number;

beforeAll(async () => {
  site = await openSandboxSite({ without: [] });
  // Both protocols on one socket, as a server listens by default.
  server = createServer({ allowHalfOpen: true }).listen(0, '::');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server.close();
  await site.end();
});

const nextConnection = async (): Promise<Socket> => {
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.on('error', () => undefined);
  return socket;
};

const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

describe('the peer of a connection', () => {
  it.each(['127.0.0.1', '127.0.0.77', '::1', ...(ownAddress === undefined ? [] : [ownAddress])])(
    'at %s is known by its uid',
    async (host) => {
      const connection = nextConnection();
      const child = await site.start(nodeCommand('dial', String(port), host, 'stay'));
      const socket = await connection;
      const peer = await peerUid(socket);
      expect(peer).toMatchObject({ uid: child.record.uid });
      expect(site.sandbox.ownsUid(typeof peer === 'object' ? peer.uid : -1)).toBe(true);
      await child.stop(0);
      socket.destroy();
    },
  );

  it('is us where it is us', async () => {
    const connection = nextConnection();
    const client = connect(port, '127.0.0.1');
    const socket = await connection;
    expect(await peerUid(socket)).toMatchObject({ uid: process.getuid?.() });
    client.destroy();
    socket.destroy();
  });

  it.each(['leave', 'reset'])('is unknown when it did %s at once', async (then) => {
    const connection = nextConnection();
    const child = await site.start(nodeCommand('dial', String(port), '127.0.0.1', then));
    const socket = await connection;
    await firstLineOf(child.stdout);
    expect(await peerUid(socket)).toBe('unknown');
    await child.stop(0);
    socket.destroy();
  });
});
