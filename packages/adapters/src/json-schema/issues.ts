// What the checker says, in the words and paths that our callers get.
import type { Issue } from '@insightloop/core';
import type { ErrorObject } from 'ajv';

/** Who has made more mistakes than these begins with these. */
const maxIssues = 50;
const maxQuoteLength = 200;

/** @param args what was checked: tells whether a step of a path is an index or a name */
export function issuesOf(errors: readonly ErrorObject[], args: unknown): Issue[] {
  return errors.slice(0, maxIssues).map((error) => {
    const named = namedProperty(error.params);
    return {
      path: [...pathOf(error.instancePath, args), ...(named === null ? [] : [named])],
      code: error.keyword,
      message: messageOf(error),
    };
  });
}

/** Issues of properties that are missing or too many are told of the property, not of what should have it. */
function namedProperty(params: Record<string, unknown>): string | null {
  for (const key of ['missingProperty', 'additionalProperty', 'unevaluatedProperty', 'propertyName']) {
    const name = params[key];
    if (typeof name === 'string') return name;
  }
  return null;
}

function pathOf(pointer: string, args: unknown): (string | number)[] {
  let place = args;
  return pointer
    .split('/')
    .slice(1)
    .map((token) => {
      const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
      const isIndex = Array.isArray(place);
      place = ownValue(place, name);
      return isIndex ? Number(name) : name;
    });
}

const ownValue = (place: unknown, name: string): unknown =>
  typeof place === 'object' && place !== null && Object.hasOwn(place, name)
    ? Reflect.get(place, name)
    : undefined;

/** Quotes the schema, which the caller may read anyway, and never what was given. */
function messageOf({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
    case 'dependencies':
      return 'is required';
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return 'is not known to the tool';
    case 'enum':
      return `must be one of ${quoted(params['allowedValues']).slice(1, -1)}`;
    case 'const':
      return `must be ${quoted(params['allowedValue'])}`;
    case 'false schema':
      return 'is not allowed';
    default:
      return message ?? 'is not valid';
  }
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > maxQuoteLength ? `${text.slice(0, maxQuoteLength)}…` : text;
}
