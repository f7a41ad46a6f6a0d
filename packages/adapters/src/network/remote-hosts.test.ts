// The guard against server-side request forgery: what it refuses, and that it connects to what it judged.
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGuardedNetwork, type GuardedNetwork } from './remote-hosts.ts';

/** The answers of DNS, each name's in turn; the last one stays. Names that are not here do not exist. */
const dns = vi.hoisted(() => ({ answers: new Map<string, string[][]>(), asked: [] as string[] }));

const answerOf = vi.hoisted(() => (name: string): LookupAddress[] => {
  dns.asked.push(name);
  const turns = dns.answers.get(name);
  const addresses = turns && turns.length > 1 ? turns.shift() : turns?.[0];
  if (!addresses) throw Object.assign(new Error(`ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
  return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
});

vi.mock('node:dns/promises', () => ({
  lookup: (name: string) => new Promise<LookupAddress[]>((resolve) => resolve(answerOf(name))),
}));
vi.mock('node:dns', () => ({
  lookup: (
    name: string,
    _options: unknown,
    callback: (error: Error | null, addresses: LookupAddress[]) => void,
  ) => {
    try {
      callback(null, answerOf(name));
    } catch (error) {
      callback(error as Error, []);
    }
  },
}));

const networks: GuardedNetwork[] = [];
const networkWith = (...privateHosts: string[]): GuardedNetwork => {
  const network = createGuardedNetwork({ privateHosts });
  networks.push(network);
  return network;
};

let server: Server;
let port: number;
const received: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = [];
let connections = 0;

beforeEach(async () => {
  dns.answers.clear();
  dns.asked.length = 0;
  received.length = 0;
  connections = 0;
  server = createServer((request, response) => {
    received.push(request);
    if (request.url === '/redirect') response.writeHead(302, { location: '/inside' }).end();
    else request.pipe(response);
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.close()));
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const publicAddress = '93.184.215.14';

describe('a URL', () => {
  it('of a public host is fine, whether it is named or written as an address', async () => {
    dns.answers.set('mcp.example', [[publicAddress, '2606:4700:4700::1111']]);
    const network = networkWith();
    expect(await network.problem('https://mcp.example/mcp')).toBeNull();
    expect(await network.problem(`https://${publicAddress}/mcp`)).toBeNull();
    expect(await network.problem('https://[2606:4700:4700::1111]:8443/mcp')).toBeNull();
  });

  it('must be https', async () => {
    dns.answers.set('mcp.example', [[publicAddress]]);
    expect(await networkWith().problem('http://mcp.example/mcp')).toMatch(/https.*INSIGHTLOOP_PRIVATE_HOSTS/);
  });

  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://0/',
    'https://０x7f.1/',
    'https://127。0。0。1/',
    'https://10.0.0.1/',
    'https://192.168.1.1:8443/',
    'https://169.254.169.254/latest/meta-data/',
    'https://2852039166/latest/meta-data/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::127.0.0.1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::10.0.0.1]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
  ])('that writes an address which is not public is refused, without asking DNS: %s', async (url) => {
    expect(await networkWith().problem(url)).toMatch(/not public.*INSIGHTLOOP_PRIVATE_HOSTS/);
    expect(dns.asked).toEqual([]);
  });

  it.each([
    ['localhost', '127.0.0.1'],
    ['localhost.', '127.0.0.1'],
    ['LOCALHOST', '::1'],
    ['metadata.google.internal', '169.254.169.254'],
    ['rebind.example', '10.1.2.3'],
    ['mapped.example', '::ffff:10.0.0.1'],
    ['nat64.example', '64:ff9b::a00:1'],
  ])('of %s, which resolves to %s, is refused', async (name, address) => {
    dns.answers.set(name.toLowerCase(), [[address]]);
    expect(await networkWith().problem(`https://${name}/`)).toMatch(/not public/);
  });

  it('is refused when only one of several addresses is not public', async () => {
    dns.answers.set('mixed.example', [[publicAddress, '10.0.0.1']]);
    expect(await networkWith().problem('https://mixed.example/')).toMatch(/not public/);
  });

  it('whose name does not resolve now is left to the connection', async () => {
    expect(await networkWith().problem('https://not-yet.example/')).toBeNull();
    expect(dns.asked).toEqual(['not-yet.example']);
  });

  it('of a host that the operator trusts is fine, with its port or with any', async () => {
    const network = networkWith('Intranet.example', '10.0.0.5:3000', '[::1]:8080');
    expect(await network.problem('http://intranet.example:9999/')).toBeNull();
    expect(await network.problem('http://10.0.0.5:3000/')).toBeNull();
    expect(await network.problem('http://[::1]:8080/')).toBeNull();
    expect(await network.problem('https://10.0.0.5:3001/')).not.toBeNull();
    expect(await network.problem('https://10.0.0.5/')).not.toBeNull();
    expect(await network.problem('http://sub.intranet.example/')).not.toBeNull();
  });

  it('of a trusted host may leave out the port of its scheme', async () => {
    const network = networkWith('a.example:443', 'b.example:80');
    expect(await network.problem('https://a.example/')).toBeNull();
    expect(await network.problem('http://b.example/')).toBeNull();
    expect(await network.problem('http://a.example/')).not.toBeNull();
  });
});

describe('a fetch', () => {
  it('reaches a host that the operator trusts, with all that it was given', async () => {
    dns.answers.set('intranet.example', [['127.0.0.1']]);
    const network = networkWith(`127.0.0.1:${port}`);
    const answer = await network.fetch(`http://127.0.0.1:${port}/mcp?a=b`, {
      method: 'POST',
      headers: { authorization: 'Bearer x' },
      body: '{"n":1}',
    });
    expect(await answer.json()).toEqual({ n: 1 });
    expect(received).toMatchObject([
      { method: 'POST', url: '/mcp?a=b', headers: { authorization: 'Bearer x' } },
    ]);
  });

  it('follows no redirect, not even to itself', async () => {
    const network = networkWith(`127.0.0.1:${port}`);
    await expect(network.fetch(`http://127.0.0.1:${port}/redirect`)).rejects.toThrow();
    await expect(
      network.fetch(`http://127.0.0.1:${port}/redirect`, { redirect: 'follow' }),
    ).rejects.toThrow();
    const { status } = await network.fetch(`http://127.0.0.1:${port}/redirect`, { redirect: 'manual' });
    expect(status).toBeGreaterThanOrEqual(300);
    expect(received.map(({ url }) => url)).toEqual(['/redirect', '/redirect', '/redirect']);
  });

  it.each(['http://127.0.0.1', 'https://127.0.0.1', 'https://[::ffff:127.0.0.1]', 'https://2130706433'])(
    'connects to nothing where the address is refused: %s',
    async (origin) => {
      await expect(networkWith().fetch(`${origin}:${port}/`)).rejects.toThrow(/must be https|not public/);
      expect(connections).toBe(0);
    },
  );

  it('gains nothing for a name that changes between the check and the connection', async () => {
    dns.answers.set('rebind.example', [[publicAddress], ['127.0.0.1']]);
    const failure: unknown = await networkWith()
      .fetch(`https://rebind.example:${port}/`)
      .catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(Error);
    expect((failure as Error).cause).toMatchObject({
      message: 'rebind.example resolves to an address that is not public',
    });
    expect(dns.asked).toEqual(['rebind.example', 'rebind.example']);
    expect(connections).toBe(0);
  });

  it('looks at all addresses of the name to which it connects', async () => {
    dns.answers.set('rebind.example', [[publicAddress], [publicAddress, '127.0.0.1']]);
    await expect(networkWith().fetch(`https://rebind.example:${port}/`)).rejects.toThrow();
    expect(connections).toBe(0);
  });

  it('fails for a name that does not exist', async () => {
    await expect(networkWith().fetch('https://nowhere.example/')).rejects.toThrow();
    expect(dns.asked).toEqual(['nowhere.example', 'nowhere.example']);
  });

  it('can be given up', async () => {
    const network = networkWith(`127.0.0.1:${port}`);
    const signal = AbortSignal.abort(new Error('given up'));
    await expect(network.fetch(`http://127.0.0.1:${port}/`, { signal })).rejects.toThrow('given up');
  });
});

describe('a server of ours', () => {
  it('is reached on the loopback without anybody’s leave, and leads nowhere else', async () => {
    const network = networkWith();
    expect((await network.loopbackFetch(`http://127.0.0.1:${port}/mcp`)).status).toBe(200);
    await expect(network.loopbackFetch(`http://127.0.0.1:${port}/redirect`)).rejects.toThrow();
    await expect(network.loopbackFetch(`http://localhost:${port}/mcp`)).rejects.toThrow(
      'not on the loopback',
    );
    await expect(network.loopbackFetch('http://10.0.0.1/')).rejects.toThrow('not on the loopback');
    await expect(network.fetch(`http://127.0.0.1:${port}/mcp`)).rejects.toThrow('https');
  });
});
