// Lines of `NAME=value`: a `.env.example`, and the blocks of a README that show what to put into `.env`.
import { isPlaceholder } from './placeholders.ts';
import { mention, type VariableMention } from './sighting.ts';
import { isCredentialName, isForeignVariable, isSecretName, looksLikeVariable } from './variable-names.ts';

export interface EnvironmentFile {
  variables: VariableMention[];
  /** The ones that are not commented out: what the author takes for the plain case. */
  shown: ReadonlySet<string>;
  /** Choices that comments tell: "Option 1" and "Option 2", "or", "A and B are not needed". */
  choices: string[][][];
}

export const isEnvironmentExample = (name: string): boolean =>
  /^(?:\.?env[.-](?:example|sample|template|dist|defaults?)|(?:example|sample|template)\.env|\.env\.local\.example)$/i.test(
    name,
  );

const mostVariables = 300;
const assignmentLine =
  /^(#\s{0,3})?(?:export\s+|set\s+|\$env:)?"?([A-Z_a-z][A-Za-z0-9_]{1,120})\s{0,3}=\s{0,3}(.*)$/i;
const testHeading =
  /^(?:(?:e2e|integration|unit|end-to-end) )?(?:evals?|evaluations?|tests?|testing|benchmarks?|ci)\b.{0,20}$/i;
const testWords =
  /\bfor (?:[\w-]+ )?(?:testing|tests?|evals?|evaluations?|benchmark\w*)\b(?! (?:mode|server|environment|api))|\btests? only\b|\b(?:e2e|integration|unit) tests?\b|\btest-client\b|\bused (?:only )?(?:by|in) (?:the )?tests\b/i;
const optionStart = /^(?:option|method|alternative|choice|variant)\s{0,2}#?(?:\d{1,2}|[A-D])\b/i;

/** What stands above a line: its comment, until a blank line or the next comment. */
class Comment {
  #lines: string[] = [];
  #closed = true;
  /** A title that stands over several groups, until another comment. */
  #title = '';

  blank(): void {
    if (this.#lines.length === 1) this.#title = this.#lines[0] ?? '';
    else if (this.#lines.length > 1) this.#title = '';
    this.#lines = [];
    this.#closed = true;
  }

  add(text: string): void {
    if (this.#closed) this.#lines = [];
    this.#closed = false;
    this.#title = '';
    if (text !== '' && this.#lines.length < 30) this.#lines.push(text);
  }

  assigned(): void {
    this.#closed = true;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get isForTests(): boolean {
    const [first = this.#title] = this.#lines;
    return testHeading.test(first) || this.#lines.some((line) => testWords.test(line));
  }

  get option(): string | null {
    return this.#lines.find((line) => optionStart.test(line)) ?? null;
  }
}

/** Names, what stands beside them, and values that are examples more often than defaults. */
export function readEnvironmentFile(source: string): EnvironmentFile {
  const found = new Map<string, VariableMention>();
  const shown = new Set<string>();
  const options = new Map<string, Set<string>>();
  const either: string[][][] = [];
  const replaced: string[][][] = [];
  const comment = new Comment();
  let group: string[] = [];
  let before: string[] = [];
  for (const raw of source.split('\n', 5000)) {
    const line = raw.slice(0, 1000).trim();
    const parts = assignmentLine.exec(line);
    const [, off, name = '', rest = ''] = parts ?? [];
    if (!parts || (off !== undefined && !/^[A-Z][A-Z0-9_]+$/.test(name))) {
      if (line === '' && group.length > 0) before = group;
      if (line === '') comment.blank();
      else if (line.startsWith('#')) {
        const text = line.replace(/^[#\s=-]+|[\s=-]+$/g, '');
        if (/^or\b|^alternatively\b/i.test(text) && group.length + before.length > 0)
          either.push([group.length > 0 ? group : before, []]);
        comment.add(text);
      }
      group = [];
      continue;
    }
    if (comment.isForTests) continue;
    comment.assigned();
    group.push(name);
    const open = either.at(-1);
    if (open && /^or\b|^alternatively\b/i.test(comment.lines[0] ?? '')) open[1]?.push(name);
    const { option } = comment;
    if (option !== null && options.size < 20) {
      const names = options.get(option) ?? new Set<string>();
      options.set(option, names.add(name));
    }
    if (off === undefined) shown.add(name);
    if (found.has(name) || found.size >= mostVariables) continue;
    const whole = comment.lines.join(' ').slice(0, 2000);
    const without = unneeded(whole);
    if (without.length > 0) replaced.push([without, [name]]);
    const value = valueOf(rest);
    found.set(
      name,
      mention(name, {
        required: requiredBy(comment.lines, /(?:^|\s)#\s*(.*)$/.exec(rest)?.[1] ?? '', value),
        value,
        description: comment.lines.at(-1) ?? null,
      }),
    );
  }
  const chosen = [...options.values()].map((names) => [...names]);
  // What is commented out in every option is a feature that one can turn on.
  const isChoice = chosen.length > 1 && chosen.some((names) => names.some((name) => shown.has(name)));
  return {
    variables: [...found.values()],
    shown,
    choices: [
      ...replaced.filter((sets) => sets.some((set) => set.some(isSecretName))),
      ...[...either, ...(isChoice ? [chosen] : [])].filter((sets) =>
        sets.every((set) => set.some(isCredentialName)),
      ),
    ],
  };
}

function valueOf(rest: string): string {
  return rest
    .replace(/(?:^|\s)#.*$/, '')
    .trim()
    .replace(/^["'](.*)["']$/, '$1')
    .replace(/"$/, '');
}

/** "Required: …" above a hole to fill, "(optional)"; null where it depends, or nothing is said. */
function requiredBy(lines: readonly string[], beside: string, value: string): boolean | null {
  const said = [beside, ...lines].find((line) => /\b(?:required|optional)\b/i.test(line)) ?? '';
  if (/^\W{0,3}optional\b|\(optional\b/i.test(said)) return false;
  // A value that works as it is needs nobody to give it; an address of this machine is only where it may be.
  const open = isPlaceholder(value) || /^https?:\/\/(?:localhost|127\.0\.0\.1)\b/i.test(value);
  return open && /^\W{0,3}required(?:\s{0,2}[:.)—–-]|$)|\(required\)/i.test(said) ? true : null;
}

/** "A and B are not needed": what one has to give where this variable is not given. */
function unneeded(comment: string): string[] {
  const said =
    /((?:\b[A-Z][A-Z0-9_]{2,80}\b(?:\s{0,2}(?:[,/+&]|and|or)\s{0,2})?){1,5})\s{1,3}(?:is|are) (?:not|no longer) (?:needed|required|necessary)\b(?! (?:for|if|when|in)\b)/i.exec(
      comment,
    )?.[1];
  return (said?.match(/\b[A-Z][A-Z0-9_]{2,80}\b/g) ?? []).filter(looksLikeVariable);
}

/** A block that sets variables and does nothing else; null for any other. */
export function environmentBlock(source: string): EnvironmentFile | null {
  const lines = source
    .slice(0, 64 * 1024)
    .split('\n', 500)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const names = lines.map((line) => assignmentLine.exec(line.slice(0, 1000))?.[2] ?? '');
  if (names.length === 0 || !names.every((name) => /^[A-Za-z]\w+$/.test(name))) return null;
  // `A=b program` is a command.
  if (lines.some((line) => /^[A-Z_a-z]\w*=[^\s"'#<{]+\s+[^\s#]/.test(line))) return null;
  const file = readEnvironmentFile(source);
  const variables = file.variables.filter(({ name }) => looksLikeVariable(name) && !isForeignVariable(name));
  return variables.length === 0 ? null : { ...file, variables };
}
