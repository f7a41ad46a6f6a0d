// Strings of a query or a path become what the schema asks for. The schema itself is only read, never changed:
// the tRPC door shares it and must go on refusing "100" where a number belongs.
import type { $ZodShape, $ZodType, $ZodTypes } from 'zod/v4/core';

/** zod's own discriminated union of all schema kinds; `$ZodType` is its abstract side. */
const definitionOf = (schema: $ZodType): $ZodTypes['_zod']['def'] => {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- zod's documented way to look into a schema
  return (schema as $ZodTypes)._zod.def;
};

/** Looks through optional, nullable, default, pipes and the like, to the schema that says what a value is. */
export function unwrap(schema: $ZodType): $ZodType {
  let inner = schema;
  for (;;) {
    const definition = definitionOf(inner);
    if ('innerType' in definition) inner = definition.innerType;
    else if (definition.type === 'pipe') inner = definition.in;
    else return inner;
  }
}

/** The fields of an object schema; none where it is no object. */
export function fieldsOf(schema: $ZodType): $ZodShape {
  const definition = definitionOf(unwrap(schema));
  return definition.type === 'object' ? definition.shape : {};
}

/** What cannot be coerced stays a string, and zod then says what is wrong with it. */
export function coerceString(schema: $ZodType, value: unknown): unknown {
  const inner = unwrap(schema);
  const definition = definitionOf(inner);
  if (definition.type === 'array') {
    const values = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [value];
    return values.map((item: unknown) => coerceString(definition.element, item));
  }
  if (typeof value !== 'string') return value;
  switch (definition.type) {
    case 'number':
      return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
    case 'boolean':
      return coerceBoolean(value);
    case 'literal':
      return definition.values.includes(true) ? coerceBoolean(value) : value;
    case 'date': {
      const date = new Date(value);
      return Number.isNaN(date.getTime()) ? value : date;
    }
    default:
      return value;
  }
}

export const coerceBoolean = (value: unknown): unknown =>
  value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value;

export function coerceFields(
  schema: $ZodType,
  raw: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const fields = fieldsOf(schema);
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) => {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      return [name, field ? coerceString(field, value) : value];
    }),
  );
}
