// Arguments against the schemas of tools, with ajv: each schema compiled once, each check bounded.
import type { ArgumentCheck, ArgumentValidator } from '@insightloop/core';
import { issuesOf } from './issues.ts';
import { compileSchema, type CompiledSchema } from './schema-compiler.ts';
import { copySchema } from './schema-copy.ts';
import { createWorkMeter } from './work-meter.ts';

type Check = (args: Readonly<Record<string, unknown>>) => ArgumentCheck;

/** Schemas by their text, for those that come anew as an equal object, as after each listing of tools. */
const maxRemembered = 200;

export function createArgumentValidator(): ArgumentValidator {
  const checks = new WeakMap<object, Check>();
  const remembered = new Map<string, Check>();

  const checkOf = (schema: Readonly<Record<string, unknown>>): Check => {
    const text = textOf(schema);
    const known = text === null ? undefined : remembered.get(text);
    const check = known ?? createCheck(schema);
    if (text === null) return check;
    remembered.delete(text);
    remembered.set(text, check);
    const [oldest] = remembered.keys();
    if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
    return check;
  };

  return {
    validate(schema, args) {
      let check = checks.get(schema);
      if (!check) checks.set(schema, (check = checkOf(schema)));
      return check(args);
    },
  };
}

/** Longer ones are worth their own compilation, not our memory. */
const maxRememberedLength = 16 * 1024;

function textOf(schema: object): string | null {
  try {
    const text = JSON.stringify(schema);
    return text.length <= maxRememberedLength ? text : null;
  } catch {
    return null;
  }
}

/** Of patterns that cannot be checked. */
const maxNotes = 5;

function createCheck(schema: Readonly<Record<string, unknown>>): Check {
  const meter = createWorkMeter();
  const unchecked = new Set<string>();
  const note = (reason: string): void => {
    if (unchecked.size < maxNotes) unchecked.add(reason);
  };
  let compiled: CompiledSchema;
  try {
    compiled = compileSchema(copySchema(schema), { meter, onUnchecked: note });
  } catch (error) {
    const reason = `the schema is not usable: ${messageOf(error)}`;
    return () => ({ issues: [], unchecked: reason });
  }
  return (args) => {
    meter.reset();
    unchecked.clear();
    try {
      const issues = issuesOf(compiled(args), args);
      return { issues, unchecked: unchecked.size > 0 ? [...unchecked].join('; ') : null };
    } catch (error) {
      // Too much work, or too deep for the stack.
      return { issues: [], unchecked: `the check was given up: ${messageOf(error)}` };
    }
  };
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, 300);
