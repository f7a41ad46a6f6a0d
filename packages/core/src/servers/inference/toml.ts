// The part of TOML that manifests and clients' configurations use. What it does not know it skips.
import { parseLenientJson } from './lenient-json.ts';
import { isRecord } from './reading.ts';

/** The longest lock files of people have half as many. */
const mostLines = 50_000;

/** Tables and their plain values; never throws, and reads on after a line that it does not understand. */
export function readToml(source: string): Record<string, unknown> {
  const root = table();
  let current = root;
  const lines = source.split('\n', mostLines);
  for (let index = 0; index < lines.length; index += 1) {
    const line = (lines[index] ?? '').trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      current = tableAt(root, line);
      continue;
    }
    const equals = keyEnd(line);
    if (equals === -1) continue;
    const key = keyParts(line.slice(0, equals).trim());
    const first = line.slice(equals + 1).trim();
    const { value, next } = valueFrom(first, lines, index);
    index = next;
    const last = key.pop();
    if (last !== undefined) define(childAt(current, key), last, value);
  }
  return root;
}

const table = (): Record<string, unknown> => Object.fromEntries([]);

function tableAt(root: Record<string, unknown>, line: string): Record<string, unknown> {
  const many = line.startsWith('[[');
  const end = line.lastIndexOf(']');
  const path = keyParts(line.slice(many ? 2 : 1, end === -1 ? line.length : end).replace(/\]$/, ''));
  if (!many) return childAt(root, path);
  const last = path.pop() ?? '';
  const parent = childAt(root, path);
  const before = Object.hasOwn(parent, last) ? parent[last] : undefined;
  const made = table();
  define(parent, last, [...(Array.isArray(before) ? (before as unknown[]) : []), made]);
  return made;
}

function childAt(root: Record<string, unknown>, path: readonly string[]): Record<string, unknown> {
  let current = root;
  for (const part of path.slice(0, 12)) {
    const inner = Object.hasOwn(current, part) ? current[part] : undefined;
    if (isRecord(inner)) {
      current = inner;
      continue;
    }
    const made = table();
    define(current, part, made);
    current = made;
  }
  return current;
}

/** `__proto__` becomes a key, as in JSON. */
const define = (target: Record<string, unknown>, name: string, value: unknown): void => {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
};

function keyEnd(line: string): number {
  let quote = '';
  for (let at = 0; at < Math.min(line.length, 500); at += 1) {
    const char = line[at] ?? '';
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '=') return at;
  }
  return -1;
}

const keyParts = (key: string): string[] =>
  [...key.slice(0, 500).matchAll(/"([^"]*)"|'([^']*)'|([^.\s"']+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );

function valueFrom(first: string, lines: readonly string[], index: number): { value: unknown; next: number } {
  for (const quote of ['"""', "'''"]) {
    if (!first.startsWith(quote)) continue;
    const gathered = [first.slice(3)];
    let next = index;
    while (!(gathered.at(-1) ?? '').includes(quote) && next + 1 < lines.length)
      gathered.push(lines[++next] ?? '');
    const whole = gathered.join('\n');
    const end = whole.indexOf(quote);
    return { value: end === -1 ? whole : whole.slice(0, end), next };
  }
  if (!first.startsWith('[') && !first.startsWith('{')) return { value: scalarOf(first), next: index };
  const gathered = [first];
  let next = index;
  let depth = balance(first);
  while (depth > 0 && next + 1 < lines.length && gathered.length < 2000) {
    const line = lines[++next] ?? '';
    gathered.push(line);
    depth += balance(line);
  }
  // An inline table differs from an object by its equals signs only.
  const whole = gathered.join('\n');
  return {
    value: parseLenientJson(first.startsWith('{') || whole.includes('= ') ? colons(whole) : whole),
    next,
  };
}

/** Open brackets minus closed ones, outside of strings and comments. */
function balance(line: string): number {
  let depth = 0;
  let quote = '';
  for (const char of line) {
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '#') break;
    else if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth -= 1;
  }
  return depth;
}

function colons(source: string): string {
  let quote = '';
  let out = '';
  for (const char of source) {
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    out += quote === '' && char === '=' ? ':' : char;
  }
  return out;
}

function scalarOf(source: string): unknown {
  const [first = ''] = source;
  if (first === '"' || first === "'") {
    const end = source.indexOf(first, 1);
    return end === -1 ? source.slice(1) : source.slice(1, end);
  }
  const [bare = ''] = source.split('#', 1);
  const word = bare.trim();
  if (word === 'true') return true;
  if (word === 'false') return false;
  return word;
}
