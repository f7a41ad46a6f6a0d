// The guard against server-side request forgery: which remote addresses we connect to, and how we hold to it.
import type { RemoteHosts } from '@insightloop/core';
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch as undiciFetch, type RequestInit as UndiciRequestInit } from 'undici';
import { isPublicAddress } from './address.ts';

export interface GuardedNetwork extends RemoteHosts {
  /**
   * Like the global fetch, for remote servers only: resolves a name once, refuses where any of its addresses is not
   * public, connects to what it resolved, and follows no redirect: one is an error, or with `redirect: 'manual'` the
   * answer.
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>;
  /** The same for servers that we run: connects to this machine's loopback and to nothing else. */
  loopbackFetch(url: string | URL, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export interface GuardedNetworkOptions {
  /** `name` or `name:port` of hosts that the operator trusts: they may be private and speak plain http. */
  privateHosts: readonly string[];
}

/** Tools may work for as long as they say that they do: time is limited where the requests are made. */
const untimed = { headersTimeout: 0, bodyTimeout: 0 };

export function createGuardedNetwork({ privateHosts }: GuardedNetworkOptions): GuardedNetwork {
  const trusted = new Set(privateHosts.map((host) => host.toLowerCase()));
  const isTrusted = (url: URL): boolean =>
    trusted.has(url.hostname) || trusted.has(`${url.hostname}:${portOf(url)}`);

  const problem = async (text: string): Promise<string | null> => {
    const url = new URL(text);
    if (isTrusted(url)) return null;
    if (url.protocol !== 'https:')
      return 'must be https; plain http is only for hosts in INSIGHTLOOP_PRIVATE_HOSTS';
    const host = bare(url.hostname);
    const addresses = isIP(host) ? [host] : await resolved(host);
    return addresses.every(isPublicAddress)
      ? null
      : 'is at a private, loopback or otherwise not public address; the operator can allow it in INSIGHTLOOP_PRIVATE_HOSTS';
  };

  const guarded = new Agent({ ...untimed, connect: { lookup: publicLookup } });
  const trusting = new Agent(untimed);

  return {
    problem,
    fetch: async (address, init) => {
      const url = new URL(address);
      const reason = await problem(url.href);
      if (reason) throw new Error(`${url.host} ${reason}`);
      return fetchThrough(isTrusted(url) ? trusting : guarded, url, init);
    },
    loopbackFetch: (address, init) => {
      const url = new URL(address);
      if (url.hostname !== loopback) return Promise.reject(new Error(`${url.host} is not on the loopback`));
      return fetchThrough(trusting, url, init);
    },
    close: async () => {
      await Promise.all([guarded.close(), trusting.close()]);
    },
  };
}

async function fetchThrough(dispatcher: Agent, url: URL, init: RequestInit | undefined): Promise<Response> {
  /* eslint-disable @typescript-eslint/no-unsafe-type-assertion, @typescript-eslint/no-unnecessary-type-assertion --
     undici's own fetch, because a dispatcher must be of the same version; Node's types are a second copy of its types. */
  const redirect = init?.redirect === 'manual' ? 'manual' : 'error';
  const options = { ...init, redirect, dispatcher } as UndiciRequestInit;
  return (await undiciFetch(url, options)) as unknown as Response;
  /* eslint-enable @typescript-eslint/no-unsafe-type-assertion, @typescript-eslint/no-unnecessary-type-assertion */
}

const loopback = '127.0.0.1';

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');

const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** No address is no danger: the connection will fail, or be judged by what the name resolves to then. */
async function resolved(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

/** What is judged here is what is connected to, so a name that changes in between gains nothing. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) {
      callback(error, []);
      return;
    }
    const [first] = addresses;
    if (!first || !addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new Error(`${hostname} resolves to an address that is not public`), []);
      return;
    }
    if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
