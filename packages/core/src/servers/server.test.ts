// What may be registered: ids that are one segment of a path, names and texts that can be kept.
import { describe, expect, it } from 'vitest';
import { serverId, serverRegistration } from './server.ts';

describe('the id of a server', () => {
  it.each(['a', '7', 'context7-mcp', 'owner-name', 'a.b', 'a_b', '0-0', 'constructor', 'a'.repeat(100)])(
    'can be %o',
    (id) => {
      expect(serverId.safeParse(id).success).toBe(true);
    },
  );

  it.each([
    '',
    '.',
    '..',
    'a..b',
    '../a',
    '..%2fa',
    'a/b',
    '/a',
    'a/',
    'a\\b',
    '.a',
    'a.',
    '-a',
    'a-',
    '_a',
    '__proto__',
    'A',
    'a b',
    ' a',
    'a\n',
    'a\0',
    'a%20b',
    'a?b',
    'a#b',
    'a:b',
    'a@b',
    'é',
    'а',
    'a\u200b',
    '😀',
    'running',
    'a'.repeat(101),
    5,
    null,
    ['a'],
    { toString: 'a' },
  ])('cannot be %o', (id) => {
    expect(serverId.safeParse(id).success).toBe(false);
  });

  it('is judged soon, however long it is', () => {
    const startedMs = performance.now();
    expect(serverId.safeParse('a-'.repeat(5_000_000)).success).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});

const least = { id: 'a', name: 'A', launch: [{ method: 'npx', identifier: 'cowsay' }] };
const problems = (input: unknown) =>
  serverRegistration.safeParse(input).error?.issues.map(({ path, code }) => `${path.join('.')} ${code}`) ??
  [];

describe('a registration', () => {
  it('needs id, name and a recipe', () => {
    expect(serverRegistration.parse(least)).toMatchObject({ ...least, description: null });
    expect(problems({}).toSorted()).toEqual(['id invalid_type', 'launch invalid_type', 'name invalid_type']);
    expect(problems({ ...least, launch: [] })).toEqual(['launch too_small']);
  });

  it('has a name without space around it', () => {
    expect(serverRegistration.parse({ ...least, name: '  A b ' }).name).toBe('A b');
    expect(problems({ ...least, name: ' \t' })).toEqual(['name too_small']);
  });

  it.each([
    ['name', 'a'.repeat(201)],
    ['name', 'a\0b'],
    ['name', '\ud800'],
    ['name', 5],
    ['description', 'a'.repeat(10_001)],
    ['description', '\0'],
    ['description', '\udfff'],
    ['description', 5],
    ['launch', {}],
    ['launch', Array.from({ length: 21 }, () => least.launch[0])],
  ])('cannot have as %s: %o', (field, value) => {
    expect(problems({ ...least, [field]: value })).toEqual([expect.stringMatching(`^${field} `)]);
  });

  it.each(['source', 'kind', 'created_at', 'updated_at', 'verified', 'constructor', 'toString', 'tools'])(
    'takes no "%s"',
    (field) => {
      expect(problems({ ...least, [field]: 'x' })).toEqual([' unrecognized_keys']);
    },
  );

  it('takes any text that can be kept', () => {
    const description = 'Grüße, 世界 🎉\n\t"\\ \u2028 <script>';
    expect(serverRegistration.parse({ ...least, description }).description).toBe(description);
  });

  it('says of each wrong recipe where it stands', () => {
    const launch = [
      least.launch[0],
      { method: 'npx', identifier: '../x' },
      { method: 'npx', identifier: 'a', args: [] },
    ];
    expect(problems({ ...least, launch })).toEqual([
      'launch.1.identifier custom',
      'launch.2 unrecognized_keys',
    ]);
  });
});
