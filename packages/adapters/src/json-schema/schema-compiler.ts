// From a copied schema to a function that checks data against it, in the dialect that it is written in.
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fastFormats } from 'ajv-formats/dist/formats.js';
import { createLinearPattern } from './linear-pattern.ts';
import { costKeyword, type CopiedSchema } from './schema-copy.ts';
import type { WorkMeter } from './work-meter.ts';

export interface CompilerParts {
  meter: WorkMeter;
  /** Told, during a check, of a pattern that cannot be checked. */
  onUnchecked: (reason: string) => void;
}

export type CompiledSchema = (data: unknown) => ErrorObject[];

/**
 * Without `$schema` it is 2020-12, as MCP says, and draft-07 where that does not compile: many generators write the one
 * and mean the other.
 * @throws Error in the words of the compiler
 */
export function compileSchema({ schema, declared }: CopiedSchema, parts: CompilerParts): CompiledSchema {
  const [first, ...others] = dialectsOf(declared);
  try {
    return compileAs(first, schema, parts);
  } catch (error) {
    for (const other of others) {
      try {
        return compileAs(other, schema, parts);
      } catch {
        // What is said of the dialect that it should be in says more.
      }
    }
    throw error;
  }
}

type Dialect = typeof Ajv | typeof Ajv2019 | typeof Ajv2020;

function dialectsOf(declared: string | null): [Dialect, ...Dialect[]] {
  if (declared === null) return [Ajv2020, Ajv];
  if (/draft-0[3-7]/.test(declared)) return [Ajv];
  return declared.includes('2019-09') ? [Ajv2019] : [Ajv2020];
}

/**
 * Formats that servers agree on, read as loosely as any of them does: a stricter reading would refuse what the tool
 * accepts. Others are not checked. None of them backtracks.
 */
const formats = {
  ...Object.fromEntries(
    (
      [
        'date',
        'duration',
        'hostname',
        'int32',
        'int64',
        'ipv4',
        'ipv6',
        'json-pointer',
        'uri',
        'uuid',
      ] as const
    ).map((name) => [name, fastFormats[name]]),
  ),
  // The zone is left out by many, and read as UTC or as local time.
  'date-time': fastFormats['iso-date-time'],
  time: fastFormats['iso-time'],
  email: /^[^\s@]+@[^\s@]+$/,
};

/** A compiler of its own for each schema: ids of one do not clash with those of another, and all is freed with it. */
function compileAs(
  dialect: Dialect,
  schema: Record<string, unknown>,
  { meter, onUnchecked }: CompilerParts,
): CompiledSchema {
  const compiler = new dialect(optionsWith({ meter, onUnchecked }));
  compiler.addKeyword({
    keyword: costKeyword,
    before: '$ref',
    schemaType: 'number',
    errors: false,
    validate: (cost: number, data: unknown): boolean => {
      meter.spend(cost + sizeOf(data));
      return true;
    },
  });
  compiler.removeKeyword('uniqueItems');
  compiler.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must not have equal items' },
    validate: (wanted: boolean, items: unknown[]): boolean => !wanted || areUnique(items, meter),
  });
  const validate: ValidateFunction = compiler.compile(schema);
  return (data) => (validate(data) ? [] : (validate.errors ?? []));
}

const optionsWith = ({ meter, onUnchecked }: CompilerParts): Options => ({
  strict: false,
  allErrors: true,
  // A property named `constructor` is there when it is given, not because every object has one.
  ownProperties: true,
  multipleOfPrecision: 8,
  formats,
  // Nothing is looked up: neither what `$schema` names nor what a reference names outside the schema.
  meta: false,
  validateSchema: false,
  // Inlining would copy a part as often as it is referred to.
  inlineRefs: false,
  logger: false,
  code: {
    // Optimized code saves less than optimizing costs: it takes half of the compilation.
    optimize: false,
    regExp: Object.assign((pattern: string) => createLinearPattern(pattern, { meter, onUnchecked }), {
      code: 'createLinearPattern',
    }),
  },
});

/** What a step costs beyond the step itself: whatever is counted, listed or run through in it. */
function sizeOf(data: unknown): number {
  if (typeof data === 'string') return data.length >> 5;
  if (Array.isArray(data)) return data.length >> 3;
  return typeof data === 'object' && data !== null ? Object.keys(data).length : 0;
}

/** By their JSON in an order of its own: comparing each with each would take hours for a megabyte of items. */
function areUnique(items: unknown[], meter: WorkMeter): boolean {
  const seen = new Set<unknown>();
  for (const item of items) {
    const isNested = typeof item === 'object' && item !== null;
    // An object and the text that is its JSON are not equal: the one gets a mark that no JSON begins with.
    const key = isNested
      ? `=${JSON.stringify(item, sortedKeys)}`
      : typeof item === 'string'
        ? `'${item}`
        : item;
    meter.spend(isNested && typeof key === 'string' ? 20 + (key.length >> 1) : 2);
    if (seen.has(key)) return false;
    seen.add(key);
  }
  return true;
}

const sortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
