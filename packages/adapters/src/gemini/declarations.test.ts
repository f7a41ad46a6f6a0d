// Declarations of tools: those of real servers, odd names, and the way back.
import type { JsonObject, ToolDeclaration } from '@insightloop/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTools } from './declarations.ts';
import { recordedServers } from './testing/recorded-servers.ts';
import { refusalsOf } from './testing/refusals.ts';

const servers = recordedServers();
const tool = (name: string, input_schema: JsonObject = { type: 'object' }): ToolDeclaration => ({
  name,
  description: null,
  input_schema,
});

describe('the tools of real servers', () => {
  it('are many', () => {
    expect(servers.length).toBeGreaterThanOrEqual(14);
  });

  it.each(servers.map((server) => [`${server.package} ${server.version}`, server] as const))(
    '%s',
    (_name, { tools }) => {
      expect(tools.length).toBeGreaterThan(0);
      const { declarations, declaredName, callOf } = compileTools(tools);
      expect(declarations).toHaveLength(tools.length);
      expect(refusalsOf(declarations ?? [])).toEqual([]);
      for (const { name, input_schema: schema } of tools) {
        const declared = declarations?.find((one) => one.name === declaredName(name));
        expect(callOf(declaredName(name) ?? '', {})).toEqual({ name, arguments: {} });
        // What has to be given is asked for, and nothing that can be named is lost.
        const properties = Object.keys((schema['properties'] ?? {}) as JsonObject);
        expect(Object.keys(declared?.parameters?.properties ?? {})).toHaveLength(properties.length);
        expect(declared?.parameters?.required ?? []).toHaveLength(
          ((schema['required'] ?? []) as string[]).length,
        );
      }
    },
  );

  it('all at once are as well accepted', () => {
    const tools = servers.flatMap((server) =>
      server.tools.map((one) => ({ ...one, name: `${server.package}/${one.name}` })),
    );
    expect(refusalsOf(compileTools(tools).declarations ?? [])).toEqual([]);
  });
});

describe('declarations', () => {
  it('of no tools are none', () => {
    expect(compileTools([]).declarations).toBeNull();
  });

  it('lead back from any name, and from none that was not declared', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ maxLength: 200 }), { minLength: 1 }), (names) => {
        const { declarations, declaredName, callOf } = compileTools(names.map((name) => tool(name)));
        expect(refusalsOf(declarations ?? [])).toEqual([]);
        for (const name of names) expect(callOf(declaredName(name) ?? '', {})?.name).toBe(name);
        expect(callOf('never declared', {})).toBeNull();
        expect(declaredName(`${names.join('')}!`)).toBeNull();
      }),
    );
  });

  it('say the server’s own name where it had to be changed', () => {
    const [first] = compileTools([{ ...tool('read file'), description: 'Reads.' }]).declarations ?? [];
    expect(first).toEqual({ name: 'read_file', description: 'Named "read file" by its server. Reads.' });
  });

  it('of two tools of one name are those of the first', () => {
    const first = tool('a', { type: 'object', properties: { one: { type: 'string' } } });
    const { declarations } = compileTools([first, tool('a')]);
    expect(declarations).toHaveLength(1);
    expect(declarations?.[0]?.parameters?.properties).toHaveProperty('one');
  });

  it('of more tools than a request takes are refused, not cut', () => {
    const many = Array.from({ length: 513 }, (_, index) => tool(`t${index}`));
    expect(() => compileTools(many)).toThrow(expect.objectContaining({ failure: 'refused' }));
    expect(compileTools(many.slice(1)).declarations).toHaveLength(512);
  });

  it('bring back arguments under their own names', () => {
    const schema = { type: 'object', properties: { 'max-results': { enum: [10, 100] }, filter: {} } };
    const { callOf } = compileTools([tool('find things', schema)]);
    expect(callOf('find_things', { max_results: '100', filter: '{"a": 1}' })).toEqual({
      name: 'find things',
      arguments: { 'max-results': 100, filter: { a: 1 } },
    });
  });
});
