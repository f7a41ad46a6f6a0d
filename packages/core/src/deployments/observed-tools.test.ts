// What servers list is kept: cut where it is hostile, and the newest of each server.
import { expect, it } from 'vitest';
import type { Catalogue } from '../mcp/catalogue.ts';
import type { Observed } from '../servers/finding.ts';
import { createObservedKeeper, observedIn } from './observed-tools.ts';

const catalogue = (names: string[]): Catalogue => ({
  tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })),
  resources: [],
  resourceTemplates: [],
  prompts: [],
  hiddenUris: new Map(),
});

it('keeps of hostile tools what is one, and cut', () => {
  const deep: unknown = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`);
  const tools = [
    { name: 'x'.repeat(500), description: 'y'.repeat(50_000), inputSchema: deep },
    { name: 7 },
    { name: 'polluting', inputSchema: JSON.parse('{"properties": {"__proto__": {}}}') },
    { name: 'fine', inputSchema: { type: 'object', properties: { a: {} } } },
  ] as Catalogue['tools'];
  const [long, polluting, fine, ...rest] = observedIn({ ...catalogue([]), tools }, new Date(0)).tools;
  expect(rest).toEqual([]);
  expect(long?.name).toHaveLength(200);
  expect(long?.description).toHaveLength(4_000);
  expect(long?.input_schema).toEqual({ type: 'object' });
  expect(polluting?.input_schema).toEqual({ type: 'object' });
  expect(fine).toEqual({
    name: 'fine',
    description: null,
    input_schema: { type: 'object', properties: { a: {} } },
  });
});

it('writes the newest of each server, one after the other, and goes on after a failure', async () => {
  const written: [string, string[]][] = [];
  const first = Promise.withResolvers<void>();
  const logged: string[] = [];
  const log = (_fields: object, message: string): void => void logged.push(message);
  const keeper = createObservedKeeper({
    discovery: {
      keepObserved: async (serverId: string, { tools }: Observed) => {
        if (written.length === 0) await first.promise;
        written.push([serverId, tools.map(({ name }) => name)]);
        if (serverId === 'bad') throw new Error('no');
      },
    },
    clock: { now: () => 0, sleep: () => Promise.resolve() },
    logger: { debug: log, info: log, warn: log, error: log },
  });
  keeper.keep('one', catalogue(['a']));
  keeper.keep('bad', catalogue(['b']));
  keeper.keep('two', catalogue(['old']));
  keeper.keep('two', catalogue(['new']));
  first.resolve();
  await keeper.flush();
  expect(written).toEqual([
    ['one', ['a']],
    ['bad', ['b']],
    ['two', ['new']],
  ]);
  expect(logged).toHaveLength(1);
});
