// Port: whether the arguments of a call fit the schema of its tool.
import type { Issue } from '../errors.ts';

export interface ArgumentCheck {
  /** Empty where nothing is wrong. Paths go into the arguments; messages never quote what was given. */
  issues: Issue[];
  /**
   * Why some or all of the schema was not looked at, for the log; null where all was. The tool has the last word on its
   * arguments anyway, so a schema that we cannot follow lets the call through.
   */
  unchecked: string | null;
}

export interface ArgumentValidator {
  /**
   * Changes neither the schema nor the arguments, fetches nothing, never throws, and takes a bounded time, although the
   * schema is a stranger's and the arguments are another's. A schema that was seen before is not read again.
   */
  validate(schema: Readonly<Record<string, unknown>>, args: Readonly<Record<string, unknown>>): ArgumentCheck;
}
