// What Gemini refuses in the declarations of a request, as its answers of status 400 say it: written down apart from the compiler.
import type { FunctionDeclaration, Schema } from '@google/genai';

const keywords = new Set([
  ...[
    'type',
    'description',
    'nullable',
    'enum',
    'format',
    'minimum',
    'maximum',
    'items',
    'properties',
    'required',
  ],
]);
const types = new Set<unknown>(['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT']);
const maxDepth = 4;

/** Empty where nothing is refused. */
export function refusalsOf(declarations: readonly FunctionDeclaration[]): string[] {
  const names = declarations.map(({ name = '' }) => name);
  return [
    ...(declarations.length === 0 ? ['tools[0].function_declarations: must not be empty'] : []),
    ...(new Set(names).size < names.length ? ['Duplicate function declaration found'] : []),
    ...declarations.flatMap(({ name = '', parameters }) => [
      ...(/^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/.test(name) ? [] : [`Invalid function name: ${name}`]),
      ...(parameters === undefined ? [] : schemaRefusals(parameters, name)),
      ...(parameters === undefined || String(parameters.type) === 'OBJECT' ? [] : [`${name}: not an object`]),
    ]),
  ];
}

export function schemaRefusals(schema: Schema, path: string, depth = 1): string[] {
  const refused: string[] = [];
  const refuse = (when: boolean, why: string): void => {
    if (when) refused.push(`${path}: ${why}`);
  };
  const type = String(schema.type);
  const properties = Object.entries(schema.properties ?? {});
  const container = type === 'OBJECT' || type === 'ARRAY';
  for (const key of Object.keys(schema)) refuse(!keywords.has(key), `Unknown name "${key}"`);
  refuse(!types.has(type), `type ${type}`);
  refuse(container && depth > maxDepth, 'exceeds the maximum allowed nesting depth');
  refuse((type === 'ARRAY') !== (schema.items !== undefined), 'items: missing field, or not of a list');
  refuse(type === 'OBJECT' && properties.length === 0, 'properties: should be non-empty for OBJECT type');
  refuse(
    type !== 'OBJECT' && (properties.length > 0 || schema.required !== undefined),
    'properties of no object',
  );
  refuse(schema.required?.length === 0, 'required: empty');
  for (const name of schema.required ?? [])
    refuse(!Object.hasOwn(schema.properties ?? {}, name), `required[${name}]: property is not defined`);
  refuse(schema.enum !== undefined && type !== 'STRING', 'enum: only allowed for STRING type');
  refuse(schema.enum?.length === 0 || schema.enum?.includes('') === true, 'enum: cannot be empty');
  refuse(new Set(schema.enum).size < (schema.enum?.length ?? 0), 'enum: twice the same');
  refuse(schema.format !== undefined && !(type === 'STRING' && schema.format === 'date-time'), 'format');
  for (const bound of [schema.minimum, schema.maximum])
    refuse(
      bound !== undefined && (!Number.isFinite(bound) || !/NUMBER|INTEGER/.test(type)),
      'minimum or maximum',
    );
  refuse((schema.description?.length ?? 0) > 2_000, 'description: too long');
  refused.push(...(schema.items ? schemaRefusals(schema.items, `${path}[]`, depth + 1) : []));
  for (const [name, part] of properties) {
    refuse(!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) || name === '__proto__', `property name ${name}`);
    refused.push(...schemaRefusals(part, `${path}.${name}`, depth + (container ? 1 : 0)));
  }
  return refused;
}
