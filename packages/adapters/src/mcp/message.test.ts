// What is a message, and what only looks like one.
import { describe, expect, it } from 'vitest';
import { isTooDeep, readMessage } from './message.ts';

const message = (fields: object): unknown => JSON.parse(JSON.stringify({ jsonrpc: '2.0', ...fields }));

describe('reading a message', () => {
  it('tells the kinds apart', () => {
    expect(readMessage(message({ id: 'a.1', result: { x: 1 } }))).toEqual({
      kind: 'result',
      id: 'a.1',
      result: { x: 1 },
    });
    expect(readMessage(message({ id: 1, error: { code: -1, message: 'no', data: [1] } }))).toEqual({
      kind: 'error',
      id: 1,
      error: { code: -1, message: 'no', data: [1] },
    });
    expect(readMessage(message({ id: 0, method: 'ping' }))).toEqual({
      kind: 'request',
      id: 0,
      method: 'ping',
      params: {},
    });
    expect(readMessage(message({ method: 'notifications/x', params: { a: null } }))).toEqual({
      kind: 'notification',
      method: 'notifications/x',
      params: { a: null },
    });
  });

  it.each([
    [{ id: 'a.1', result: {}, error: { code: 1, message: '' } }],
    [{ id: 'a.1' }],
    [{ id: 'a.1', result: null }],
    [{ id: 'a.1', result: 'text' }],
    [{ id: 'a.1', result: [] }],
    [{ id: 'a.1', error: 'text' }],
  ])('names the request whose answer is none: %j', (fields) => {
    expect(readMessage(message(fields))).toMatchObject({ kind: 'malformed', id: 'a.1' });
  });

  it.each([
    [null],
    ['text'],
    [[]],
    [{}],
    [{ id: 'a.1', result: {} }],
    [{ jsonrpc: '1.0', id: 'a.1', result: {} }],
    [message({ id: null, result: {} })],
    [message({ id: {}, method: 'x' })],
    [message({ id: null, error: { code: 1, message: 'x' } })],
    [message({ method: 1 })],
  ])('takes no notice of what is no message: %j', (value) => {
    expect(readMessage(value)).toBeNull();
  });

  it('makes an error of what a sloppy server calls one', () => {
    expect(readMessage(message({ id: 'a.1', error: { code: 'E', message: 7 } }))).toEqual({
      kind: 'error',
      id: 'a.1',
      error: { code: -32603, message: 'The server answered an error without a message.' },
    });
  });
});

describe('the depth of a frame', () => {
  const nested = (depth: number, open: string, close: string): string =>
    open.repeat(depth) + close.repeat(depth);

  it('is limited, whatever it is nested with', () => {
    expect(isTooDeep(nested(1_000, '[', ']').padEnd(3_000))).toBe(false);
    expect(isTooDeep(nested(1_001, '[', ']').padEnd(3_000))).toBe(true);
    expect(isTooDeep(`${'{"a":'.repeat(1_001)}1${'}'.repeat(1_001)}`)).toBe(true);
  });

  it('does not count what stands in strings', () => {
    expect(isTooDeep(`"${'[{\\"'.repeat(2_000)}"`)).toBe(false);
    expect(isTooDeep(`["\\\\",${nested(1_000, '[', ']')}]`.padEnd(3_000))).toBe(true);
  });

  it('does not count what is closed again', () => {
    expect(isTooDeep(`[${'[],'.repeat(5_000)}[]]`)).toBe(false);
  });
});
