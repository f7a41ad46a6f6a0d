// Names as Gemini accepts them: those that fit stay, others are made to fit, and no two become the same.
import { createHash } from 'node:crypto';

export interface NameRule {
  fits: RegExp;
  /** Each match is replaced by an underscore. */
  foreign: RegExp;
}

const maxNameLength = 64;

/** What the API says where it refuses a name: "a-z, A-Z, 0-9, underscores, dots, colons or dashes". */
export const functionNames: NameRule = {
  fits: /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/,
  foreign: /[^A-Za-z0-9_.:-]/g,
};

/** The API's reference of `FunctionDeclaration.parameters`. */
export const propertyNames: NameRule = {
  fits: /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
  foreign: /[^A-Za-z0-9_]/g,
};

const digestLength = 8;

/** The SDK copies maps key by key, which loses this one. */
const lostByCopying = '__proto__';

/** From each name to the one that is used for it. The same names give the same result in any order. */
export function acceptedNames(names: Iterable<string>, { fits, foreign }: NameRule): Map<string, string> {
  const all = [...new Set(names)];
  const fitting = all.filter((name) => fits.test(name) && name !== lostByCopying);
  const taken = new Set(fitting);
  const accepted = new Map(fitting.map((name) => [name, name]));
  for (const name of all.filter((other) => !taken.has(other)).sort()) {
    const made = distinct(fitted(name, foreign), name, taken);
    taken.add(made);
    accepted.set(name, made);
  }
  return accepted;
}

function fitted(name: string, foreign: RegExp): string {
  const replaced = name.slice(0, 4 * maxNameLength).replace(foreign, '_');
  return /^[A-Za-z_]/.test(replaced) ? replaced : `_${replaced}`;
}

function distinct(wanted: string, name: string, taken: ReadonlySet<string>): string {
  if (wanted.length <= maxNameLength && wanted !== lostByCopying && !taken.has(wanted)) return wanted;
  for (let attempt = 0; ; attempt += 1) {
    const digest = createHash('sha256').update(`${attempt}:${name}`).digest('hex').slice(0, digestLength);
    const made = `${wanted.slice(0, maxNameLength - digestLength - 1)}_${digest}`;
    if (!taken.has(made)) return made;
  }
}
