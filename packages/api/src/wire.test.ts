// What stands on tRPC's wire comes out as it went in, whatever a server named its parameters.
import { expect, it } from 'vitest';
import superjson from 'superjson';
import { wire } from './wire.ts';

const throughWire = (value: unknown): unknown => superjson.parse(JSON.stringify(wire.serialize(value)));

it('brings dates and plain values', () => {
  const value = { at: new Date(7), list: [1, null, { 'a.b': new Date(9) }], text: 'ä' };
  expect(throughWire(value)).toEqual(value);
});

it('brings keys that superjson does not write, with the dates beside and below them', () => {
  const value = {
    tools: [{ schema: { properties: { constructor: { type: 'string' }, prototype: { type: 'number' } } } }],
    at: new Date(7),
    'dot.and\\slash': [new Date(9)],
    constructor: { nothing: null, yes: true },
  };
  expect(() => superjson.serialize(value)).toThrow('constructor');
  expect(throughWire(value)).toEqual(value);
});

it('leaves out what would become a prototype, and nothing beside it', () => {
  const value = JSON.parse('{"a": {"__proto__": {"polluted": true}, "b": 1}}') as { a: object };
  const brought = throughWire(value) as { a: { polluted?: unknown } };
  expect(brought).toEqual({ a: { b: 1 } });
  expect(brought.a.polluted).toBeUndefined();
});

it('refuses the same on the way in', () => {
  const message = JSON.parse('{"json": {"a": {"__proto__": {}}}}') as { json: null };
  expect(() => wire.deserialize(message)).toThrow('__proto__');
});
