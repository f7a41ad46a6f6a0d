// Servers, as a user sees them: the catalog, registering and removing, and what is refused with nothing stored.
import { createInsightLoopClient } from '@insightloop/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from './support/running-server.ts';

let server: RunningServer;
beforeAll(async () => void (server = await startServer()));
afterAll(async () => void (await server.stop()));

type Answer = { status: number; headers: Headers; body: unknown };

const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
  const answer = await fetch(server.baseUrl + path, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
};

const sendText = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  contentType = 'application/json',
): Promise<Answer> => ask(path, { method: 'POST', body, headers: { 'content-type': contentType } });
const register = (body: unknown): Promise<Answer> => sendText('/api/servers', JSON.stringify(body));

const cowsay = { method: 'npx', identifier: 'cowsay' };
const least = { id: 'mine', name: 'Mine', launch: [cowsay] };

interface Listed {
  servers: { id: string; source: string; launch: { identifier: string; verified: boolean }[] }[];
  total: number;
}
const list = async (query = ''): Promise<Listed> => (await ask(`/api/servers${query}`)).body as Listed;

const catalog = ['everything', 'filesystem', 'memory', 'sequential-thinking'];

describe('the starter catalog', () => {
  it('is there from the first moment, best recipe first, vouched for', async () => {
    const { servers, total } = await list();
    expect(servers.map(({ id }) => id)).toEqual(catalog);
    expect(total).toBe(catalog.length);
    for (const { source, launch } of servers) {
      expect(source).toBe('catalog');
      expect(launch[0]).toMatchObject({
        identifier: expect.stringMatching(/^@modelcontextprotocol\/server-/),
        verified: true,
        verified_by: 'operator',
        deployable: true,
        command: 'npx',
      });
    }
  });

  it('says what a server needs', async () => {
    const { body } = await ask('/api/servers/filesystem');
    expect(body).toMatchObject({
      server: {
        launch: [
          {
            args: ['-y', '--', '@modelcontextprotocol/server-filesystem', '{directory}'],
            inputs: [{ name: 'directory', kind: 'directory', required: true, repeatable: true }],
          },
        ],
      },
    });
  });

  it.each(catalog)('keeps %s to itself', async (id) => {
    expect(await ask(`/api/servers/${id}`, { method: 'DELETE' })).toMatchObject({
      status: 409,
      body: { error: { code: 'CONFLICT', details: { server_id: id } } },
    });
    expect(await register({ ...least, id })).toMatchObject({
      status: 409,
      body: { error: { code: 'CONFLICT' } },
    });
    expect((await ask(`/api/servers/${id}`)).body).toMatchObject({ server: { source: 'catalog' } });
  });
});

describe('a server of one’s own', () => {
  it('is registered, shown, listed and removed', async () => {
    const full = {
      id: 'my.server_1',
      name: 'Grüße 世界 🎉',
      description: 'line one\nline two "quoted" \\ \u2028',
      launch: [
        {
          method: 'npx',
          identifier: '@scope/name',
          version: '1.2.3',
          bin: 'serve',
          package_args: ['--root', '{root}', '', '; rm -rf /'],
          env: [{ name: 'API_KEY', required: true, secret: true, description: 'the key' }],
          required_env_any_of: [['A', 'B']],
          inputs: [{ name: 'root', kind: 'directory', required: true }],
        },
        { method: 'uvx', identifier: 'mcp-server-git' },
        { method: 'docker', identifier: 'ghcr.io/owner/image:1', port: 3000, transport: 'streamable-http' },
        { method: 'remote', identifier: 'https://1.1.1.1/mcp' },
      ],
    };
    const made = await register(full);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      server: {
        id: full.id,
        name: full.name,
        description: full.description,
        kind: 'server',
        source: 'registered',
        launch: [
          {
            ...full.launch[0],
            env: [{ name: 'API_KEY', required: true, secret: true, default: null, description: 'the key' }],
            inputs: [{ name: 'root', kind: 'directory', required: true, default: null, repeatable: false }],
            transport: 'stdio',
            command: 'npx',
            args: ['-y', '--package=@scope/name@1.2.3', '--', 'serve', '--root', '{root}', '', '; rm -rf /'],
            verified: true,
            verified_by: 'operator',
          },
          { transport: 'stdio', command: 'uvx', version: null, port: null },
          { transport: 'streamable-http', command: 'docker', port: 3000 },
          { transport: 'streamable-http', command: null, args: [] },
        ],
      },
    });
    expect(await ask(`/api/servers/${full.id}`)).toMatchObject({ status: 200, body: made.body });
    expect((await list()).servers.map(({ id }) => id)).toEqual([...catalog, full.id].toSorted());
    const removed = await ask(`/api/servers/${full.id}`, { method: 'DELETE' });
    expect(removed).toMatchObject({ status: 200, body: { status: 'removed', server_id: full.id } });
    expect((await ask(`/api/servers/${full.id}`)).status).toBe(404);
    expect((await ask(`/api/servers/${full.id}`, { method: 'DELETE' })).status).toBe(404);
  });

  it('has an id that nobody else can take, though many try at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => register({ ...least, name: `n${n}` })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      201,
      ...Array.from({ length: 11 }, () => 409),
    ]);
    expect((await ask('/api/servers/mine', { method: 'DELETE' })).status).toBe(200);
  });

  it('is on one page of the list, in the order of ids', async () => {
    const ids = ['zeta', 'alpha', 'a-b', 'a.b', 'a0'];
    for (const id of ids) await register({ ...least, id });
    const all = (await list('?limit=100')).servers.map(({ id }) => id);
    const paged: string[] = [];
    for (let offset = 0; offset < all.length; offset += 2)
      paged.push(...(await list(`?limit=2&offset=${offset}`)).servers.map(({ id }) => id));
    expect(paged).toEqual(all);
    expect(await list('?offset=1000')).toEqual({ servers: [], total: all.length });
    for (const id of ids) await ask(`/api/servers/${id}`, { method: 'DELETE' });
  });

  it('gives back each text as it came', async () => {
    const sdk = createInsightLoopClient({ baseUrl: server.baseUrl });
    const description = String.fromCodePoint(
      ...Array.from({ length: 0x2ff }, (_, n) => n + 1),
      0x1f389,
      0xfffd,
    );
    await sdk.servers.register({
      id: 'texts',
      name: 't',
      description,
      launch: [{ ...cowsay, method: 'npx' }],
    });
    expect((await sdk.servers.get({ server_id: 'texts' })).server.description).toBe(description);
    await sdk.servers.remove({ server_id: 'texts' });
  });
});

/** [what it is, a body, where the issue stands] */
const badBodies: [string, unknown, (string | number)[]][] = [
  ['an unknown field', { ...least, tools: [] }, []],
  ['an unknown field of a recipe', { ...least, launch: [{ ...cowsay, shell: true }] }, ['launch', 0]],
  ['a command in a recipe', { ...least, launch: [{ ...cowsay, command: 'sh' }] }, ['launch', 0]],
  ['arguments of a command', { ...least, launch: [{ ...cowsay, args: ['-c', 'id'] }] }, ['launch', 0]],
  ['its own verdict', { ...least, launch: [{ ...cowsay, verified: true }] }, ['launch', 0]],
  ['a source', { ...least, source: 'catalog' }, []],
  ['a wrong type', { ...least, name: 5 }, ['name']],
  ['a wrong type inside', { ...least, launch: [{ ...cowsay, port: '80' }] }, ['launch', 0, 'port']],
  ['no recipe', { ...least, launch: [] }, ['launch']],
  ['no id', { name: 'Mine', launch: [cowsay] }, ['id']],
  ['a method of nobody', { ...least, launch: [{ ...cowsay, method: 'sh' }] }, ['launch', 0, 'method']],
  ['a name with NUL', { ...least, name: 'a\0b' }, ['name']],
  ['half a character', { ...least, description: '\ud800' }, ['description']],
  [
    'an argument with NUL',
    { ...least, launch: [{ ...cowsay, package_args: ['\0'] }] },
    ['launch', 0, 'package_args', 0],
  ],
  ...[
    '',
    '.',
    '..',
    '../up',
    '..%2fup',
    'a/b',
    'a\\b',
    'A',
    'a b',
    'a..b',
    '-a',
    'running',
    '__proto__',
    '😀',
  ].map((id): [string, unknown, string[]] => [`the id ${JSON.stringify(id)}`, { ...least, id }, ['id']]),
  ...(
    [
      ['npx', '../evil'],
      ['npx', '/tmp/evil'],
      ['npx', './evil'],
      ['npx', 'evil.tgz'],
      ['npx', '-y'],
      ['npx', '--registry=https://evil.example'],
      ['npx', 'git+https://github.com/evil/evil.git'],
      ['npx', 'evil/evil'],
      ['npx', 'github:evil/evil'],
      ['npx', 'https://evil.example/evil.tgz'],
      ['npx', 'file:evil'],
      ['npx', 'npm:evil'],
      ['npx', 'cowsay@latest'],
      ['npx', 'cowsay\0'],
      ['uvx', 'evil.whl'],
      ['uvx', 'evil @ https://evil.example/evil.whl'],
      ['uvx', '-p'],
      ['docker', '--privileged'],
      ['docker', '-v/:/host'],
      ['docker', '../evil'],
      ['docker', 'https://evil.example/evil'],
      ['remote', 'file:///etc/passwd'],
      ['remote', 'https://user:pass@mcp.example/'],
      ['remote', 'mcp.example'],
      ['remote', 'http://mcp.example/'],
      ['remote', 'https://localhost/'],
      ['remote', 'https://localhost:8000/trpc'],
      ['remote', 'https://127.0.0.1/'],
      ['remote', 'https://2130706433/'],
      ['remote', 'https://0x7f.1/'],
      ['remote', 'https://[::1]/'],
      ['remote', 'https://[::ffff:10.0.0.1]/'],
      ['remote', 'https://10.0.0.1/'],
      ['remote', 'https://169.254.169.254/latest/meta-data/'],
    ] as const
  ).map(([method, identifier]): [string, unknown, (string | number)[]] => [
    `the ${method} identifier ${JSON.stringify(identifier)}`,
    { ...least, launch: [cowsay, { method, identifier }] },
    ['launch', 1, 'identifier'],
  ]),
];

describe('bad input', () => {
  it.each(badBodies)('%s is refused at both doors, which say where', async (_what, body, path) => {
    const expected = {
      code: 'INVALID_REQUEST',
      details: { issues: expect.arrayContaining([expect.objectContaining({ path })]) },
    };
    expect(await register(body)).toMatchObject({ status: 400, body: { error: expected } });
    expect(await sendText('/trpc/servers.register', JSON.stringify({ json: body }))).toMatchObject({
      status: 400,
      body: { error: { json: { data: { httpStatus: 400, error: expected } } } },
    });
  });

  it.each([
    ['no JSON', '{"id":'],
    ['a comma too many', '{"id":"mine",}'],
    ['not even text', new Uint8Array([0xff, 0xfe, 0x00])],
    ['a list', '[]'],
    ['a text', '"mine"'],
    ['nothing', 'null'],
    [
      'a prototype',
      '{"__proto__":{"id":"mine"},"name":"Mine","launch":[{"method":"npx","identifier":"cowsay"}]}',
    ],
    [
      'a prototype inside',
      '{"id":"mine","name":"Mine","launch":[{"method":"npx","identifier":"cowsay","__proto__":{}}]}',
    ],
    ['a constructor', '{"constructor":{"prototype":{"id":"mine"}},"id":"mine","name":"Mine","launch":[]}'],
    ['brackets without end', '['.repeat(100_000)],
  ])('%s is no body', async (_what, text) => {
    const refused = await sendText('/api/servers', text);
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } });
    const wrapped = typeof text === 'string' ? `{"json":${text}}` : text;
    const atTrpc = await sendText('/trpc/servers.register', wrapped);
    expect(atTrpc).toMatchObject({
      status: 400,
      body: { error: { json: { data: { error: { code: 'INVALID_REQUEST' } } } } },
    });
  });

  it.each(['/api/servers', '/trpc/servers.register'])('12 MB are too much for %s', async (path) => {
    const body = JSON.stringify({ ...least, description: 'x'.repeat(12_000_000) });
    expect(await sendText(path, body)).toMatchObject({
      status: 413,
      body: { error: { code: 'PAYLOAD_TOO_LARGE' } },
    });
  });

  it.each(['/api/servers', '/trpc/servers.register'])('other content types are not for %s', async (path) => {
    const body = path.startsWith('/trpc') ? JSON.stringify({ json: least }) : JSON.stringify(least);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect(await sendText(path, body, type)).toMatchObject({
        status: 415,
        body: { error: { code: 'UNSUPPORTED_MEDIA_TYPE' } },
      });
  });

  it.each([
    ['GET', '/api/nothing', 404, 'NOT_FOUND'],
    ['GET', '/api/servers/a/b/c', 404, 'NOT_FOUND'],
    ['POST', '/trpc/servers.nothing', 404, 'NOT_FOUND'],
    ['PATCH', '/api/servers', 405, 'METHOD_NOT_ALLOWED'],
    ['PUT', '/api/servers/mine', 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/health', 405, 'METHOD_NOT_ALLOWED'],
  ])('%s %s is %i', async (method, path, status, code) => {
    const answer = await ask(path, { method, headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(`"code":"${code}"`);
    if (status === 405) expect(answer.headers.get('allow')).not.toBeNull();
  });

  it.each(['?limit=0', '?limit=101', '?limit=ten', '?offset=-1', '?limit=5&page=2', '?limit=5&limit=6'])(
    'a list cannot be asked for with %s',
    async (query) => {
      expect(await ask(`/api/servers${query}`)).toMatchObject({
        status: 400,
        body: { error: { code: 'INVALID_REQUEST' } },
      });
    },
  );

  it('has left nothing behind, and the server well', async () => {
    const { servers, total } = await list('?limit=100');
    expect(servers.map(({ id }) => id)).toEqual(catalog);
    expect(total).toBe(catalog.length);
    expect((await ask('/readyz')).status).toBe(200);
    expect(server.output()).not.toMatch(/"level":(50|60)|Error:/);
  });
});
