// The reader against servers that answer too much, too late, in half or with somebody else's address.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpUnreachable } from '@insightloop/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttpReader } from './http-reader.ts';

const { signal } = new AbortController();
const maxBytes = 1000;
const reader = createHttpReader();

let answer: (request: IncomingMessage, response: ServerResponse) => void;
const seen: IncomingMessage[] = [];
const servers: Server[] = [];
let own: string;
let other: string;

const listen = async (): Promise<string> => {
  const server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

beforeEach(async () => {
  seen.length = 0;
  answer = (_request, response) => response.end('yes');
  own = await listen();
  other = await listen();
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const read = (url: string, more: object = {}) => reader.read({ url, maxBytes, signal, ...more });

describe('the reader', () => {
  it('gives status, headers and text of whatever comes', async () => {
    answer = (_request, response) => response.writeHead(418, { 'x-tea': 'yes' }).end('\u{feff}Grüße 🎉');
    const { status, headers, text, truncated } = await read(`${own}/a?b=c`, { headers: { accept: 'x/y' } });
    expect({ status, text, truncated, tea: headers.get('x-tea') }).toEqual({
      status: 418,
      text: 'Grüße 🎉',
      truncated: false,
      tea: 'yes',
    });
    expect(seen.map(({ url, headers: sent }) => [url, sent.accept, sent['user-agent']])).toEqual([
      ['/a?b=c', 'x/y', 'insightloop'],
    ]);
  });

  it.each([
    [7, 'äää', true],
    [6, 'äää', true],
    [5, 'ää', true],
    [0, '', true],
    [20, 'ä'.repeat(10), false],
  ])('stops at %i bytes, between characters', async (bytes, text, truncated) => {
    answer = (_request, response) => response.end('ä'.repeat(10));
    expect(await read(own, { maxBytes: bytes })).toMatchObject({ text, truncated });
  });

  it('hangs up on an answer that does not end', async () => {
    const hungUp = Promise.withResolvers<void>();
    answer = (_request, response) => {
      response.on('close', hungUp.resolve);
      const more = (): void =>
        void (response.write('x'.repeat(64 * 1024)) ? setImmediate(more) : response.once('drain', more));
      more();
    };
    expect(await read(own)).toMatchObject({ text: 'x'.repeat(maxBytes), truncated: true });
    await hungUp.promise;
  });

  it('replaces what is no UTF-8', async () => {
    answer = (_request, response) => response.end(Buffer.from([0x61, 0xff, 0x62, 0xc3]));
    expect(await read(own)).toMatchObject({ text: 'a\u{fffd}b\u{fffd}', truncated: false });
  });

  it('follows redirects within the origin, with all headers, and no more than five', async () => {
    answer = ({ url = '' }, response) => {
      const left = Number(url.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(301, { location: `/${left - 1}` }).end('not here');
    };
    const headers = { authorization: 'Bearer secret' };
    expect(await read(`${own}/5`, { headers })).toMatchObject({ status: 200, text: 'there' });
    expect(seen.map((request) => request.headers.authorization)).toEqual(
      Array.from({ length: 6 }, () => 'Bearer secret'),
    );
    expect(await read(`${own}/6`)).toMatchObject({ status: 301 });
  });

  it('does not leave the origin unless told to, and never with credentials', async () => {
    answer = ({ headers: { host } }, response) => {
      if (other.endsWith(host ?? '')) response.end('elsewhere');
      else response.writeHead(302, { location: `${other}/x` }).end();
    };
    const headers = { authorization: 'Bearer secret', accept: 'a/b' };
    expect(await read(own, { headers })).toMatchObject({ status: 302 });
    expect(seen).toHaveLength(1);
    expect(await read(own, { headers, redirects: 'any-origin' })).toMatchObject({ text: 'elsewhere' });
    expect(seen.at(-1)?.headers).toMatchObject({ accept: 'a/b' });
    expect(seen.at(-1)?.headers).not.toHaveProperty('authorization');
  });

  it.each(['file:///etc/passwd', 'http://user:pass@127.0.0.1/', 'data:,x', 'http://'])(
    'does not follow a redirect to %s',
    async (location) => {
      answer = (_request, response) => response.writeHead(302, { location }).end();
      expect(await read(own, { redirects: 'any-origin' })).toMatchObject({ status: 302 });
    },
  );

  it('says which host did not answer in time, and nothing of the query', async () => {
    answer = () => undefined;
    const impatient = createHttpReader({ timeoutMs: 50 });
    const failed: unknown = await impatient
      .read({ url: `${own}/a?token=secret`, maxBytes, signal })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(HttpUnreachable);
    expect(failed).toMatchObject({ message: `${new URL(own).host} did not answer within 0.05 s` });
  });

  it('tells half of an answer from a whole one', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    };
    await expect(read(own)).rejects.toThrow(HttpUnreachable);
  });

  it('says that nobody listens', async () => {
    await expect(read('http://127.0.0.1:1/')).rejects.toThrow('127.0.0.1:1 cannot be reached');
  });

  it('gives up with the reason of whoever asked', async () => {
    const asked = new AbortController();
    answer = () => asked.abort(new Error('enough'));
    await expect(read(own, { signal: asked.signal })).rejects.toThrow('enough');
    await expect(read(own, { signal: asked.signal })).rejects.toThrow('enough');
    expect(seen).toHaveLength(1);
  });
});
