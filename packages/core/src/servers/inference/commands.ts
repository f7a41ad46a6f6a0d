// What a command line comes to: a package, an image, an address, or something that a person has to build first.
import { readContainerRun, isContainerProgram } from './container-run.ts';
import { type ManualWay } from './inference.ts';
import { npmSpec, pypiSpec } from './package-specs.ts';
import { isPlaceholder } from './placeholders.ts';
import { commandsOf, splitWords } from './shell-words.ts';
import { assignment, type VariableMention } from './sighting.ts';
import { isNeverServer, wrappers } from './third-party.ts';

export interface Mount {
  source: string;
  target: string;
  read_only: boolean;
}

/** What is started, and with what. */
export type Started =
  | { kind: 'package'; method: 'npx' | 'uvx'; identifier: string; version: string | null; bin: string | null }
  | {
      kind: 'image';
      identifier: string;
      version: string | null;
      ports: readonly number[];
      mounts: readonly Mount[];
    }
  | { kind: 'remote'; url: string; wrapper: string }
  | { kind: 'manual'; via: ManualWay; command: string };

export interface Command {
  started: Started;
  args: string[];
  variables: VariableMention[];
}

const deepest = 8;

/** The command behind all that people write around it; null where it starts no server. */
export function readCommand(words: readonly string[], depth = 0): Command | null {
  const [first = '', ...rest] = words;
  if (depth > deepest || first === '') return null;
  // A whole line in `command`.
  if (/\s/.test(first.trim()) && !/^(?:[A-Za-z]:)?[\\/]/.test(first)) {
    return readCommand([...splitWords(first), ...rest], depth + 1);
  }
  const own = assignment(first);
  if (own && first.includes('=')) return withVariables(readCommand(rest, depth + 1), [own]);
  const program = programNamed(first);
  switch (program) {
    case 'cmd':
      return readInner(
        rest.filter((word) => !/^\/[a-z]$/i.test(word)),
        depth,
      );
    case 'sudo':
    case 'wsl':
    case 'command':
    case 'exec':
    case 'time':
    case 'nohup':
    case 'start':
      return readCommand(dropFlags(rest), depth + 1);
    case 'env':
      return readCommand(dropFlags(rest), depth + 1);
    case 'bash':
    case 'sh':
    case 'zsh':
    case 'powershell':
    case 'pwsh': {
      const at = rest.findIndex((word) => /^-{1,2}[a-z]*c(?:ommand)?$/i.test(word));
      return at === -1 ? manual('source', first, rest) : readInner(rest.slice(at + 1), depth);
    }
    case 'npx':
    case 'pnpx':
    case 'bunx':
      return npmPackage(rest, depth);
    case 'npm':
      return /^(?:exec|x)$/.test(rest[0] ?? '')
        ? npmPackage(rest.slice(1), depth)
        : manual('source', first, rest);
    case 'pnpm':
    case 'yarn':
      return rest[0] === 'dlx' ? npmPackage(rest.slice(1), depth) : manual('source', first, rest);
    case 'bun':
      return rest[0] === 'x' ? npmPackage(rest.slice(1), depth) : manual('source', first, rest);
    case 'deno': {
      const at = rest.findIndex((word) => word.startsWith('npm:'));
      return at === -1
        ? manual('source', first, rest)
        : npmPackage([(rest[at] ?? '').slice('npm:'.length), ...rest.slice(at + 1)], depth);
    }
    case 'uvx':
      return pythonPackage(rest, depth);
    case 'uv':
      return readUv(rest, depth);
    case 'pipx':
      return rest[0] === 'run'
        ? pythonPackage(
            rest.slice(1).filter((word) => word !== '--spec'),
            depth,
          )
        : null;
    case 'go':
      return manual('go', first, rest);
    case 'cargo':
      return manual('cargo', first, rest);
    case 'brew':
      return rest[0] === 'install' ? manual('brew', first, rest) : null;
    case 'node':
    case 'tsx':
    case 'ts-node':
    case 'make':
    case 'gradle':
    case 'mvn':
    case 'java':
    case 'dotnet':
    case 'ruby':
    case 'php':
    case 'swift':
      return manual('source', first, rest);
    default:
      if (/^(?:python|python3|python3?\.\d{1,2}|py|poetry|pdm|hatch)$/.test(program)) {
        return manual(rest[0] === '-m' ? 'python' : 'source', first, rest);
      }
      if (isContainerProgram(program)) return container(rest);
      if (wrappers.has(program)) return unwrap(program, rest, depth);
      return manual(/[\\/]/.test(first) ? 'source' : 'binary', first, rest);
  }
}

/** `C:\Program Files\nodejs\npx.cmd` is npx. */
export const programName = (word: string): string =>
  word
    .replace(/^.*[\\/]/s, '')
    .replace(/\.(?:cmd|exe|ps1|bat)$/i, '')
    .toLowerCase();

/** `{{PATH_TO_UV}}` and `/path/to/uv` are uv. */
function programNamed(word: string): string {
  const placeholder =
    /^[<{[]{0,2}(?:full[-_ ])?path[-_ ]to[-_ ](?:your[-_ ])?(uvx?|npx|node|python3?|docker)[>}\]]{0,2}$/i.exec(
      word,
    );
  return placeholder?.[1]?.toLowerCase() ?? programName(word);
}

/** The last command of a line within a line: what stands before it prepares it. */
function readInner(words: readonly string[], depth: number): Command | null {
  const variables: VariableMention[] = [];
  const commands =
    words.length === 1 ? commandsOf(words[0] ?? '').map(({ words: inner }) => inner) : [[...words]];
  let found: Command | null = null;
  for (const command of commands) {
    if (/^(?:set|export)$/i.test(command[0] ?? '')) {
      const set = assignment(command[1] ?? '');
      if (set) variables.push(set);
    } else found = readCommand(command, depth + 1) ?? found;
  }
  return withVariables(found, variables);
}

const withVariables = (command: Command | null, variables: readonly VariableMention[]): Command | null =>
  command && { ...command, variables: [...variables, ...command.variables] };

function dropFlags(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !word.startsWith('-'));
  return first === -1 ? [] : words.slice(first);
}

const manual = (via: ManualWay, command: string, args: readonly string[]): Command => ({
  started: { kind: 'manual', via, command },
  args: [...args],
  variables: [],
});

/** npx and its kin: flags, then the package or `-p package program`, then the server's own arguments. */
function npmPackage(words: readonly string[], depth: number): Command | null {
  let spec: string | null = null;
  let at = 0;
  for (; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const named = /^(?:-p|--package)(?:=(.*))?$/s.exec(word);
    if (named) spec = named[1] ?? words[(at += 1)] ?? null;
    else if (word === '-c' || word === '--call')
      return readCommand(splitWords(words[at + 1] ?? ''), depth + 1);
    else if (word === '--registry' || word === '--prefix' || word === '--loglevel') at += 1;
    else if (!word.startsWith('-')) break;
  }
  const program = words[at] ?? null;
  const parsed = npmSpec(spec ?? program ?? '');
  if (!parsed) return null;
  const { identifier, version } = parsed;
  const args = words.slice(at + 1);
  if (wrappers.has(identifier)) {
    const inner = unwrap(identifier, args, depth);
    if (inner) return inner;
  }
  if (isNeverServer(identifier)) return null;
  const bin = spec !== null && program !== null && program !== lastPart(identifier) ? program : null;
  return {
    started: { kind: 'package', method: 'npx', identifier, version, bin: bin && isProgram(bin) ? bin : null },
    args,
    variables: [],
  };
}

const isProgram = (word: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._-]{0,213}$/.test(word);

const lastPart = (identifier: string): string => identifier.slice(identifier.lastIndexOf('/') + 1);

const uvFlagsWithValue = new Set([
  '-p',
  '--python',
  '-w',
  '--with',
  '--with-editable',
  '--with-requirements',
  '--index',
  '-i',
  '--index-url',
  '--default-index',
  '--extra-index-url',
  '--directory',
  '--project',
  '--env-file',
  '--prerelease',
  '--python-preference',
  '--cache-dir',
  '-c',
  '--constraint',
  '--overrides',
  '--refresh-package',
  '--link-mode',
  '--keyring-provider',
]);

/** uvx: flags, then the program, which is the package unless `--from` says otherwise. */
function pythonPackage(words: readonly string[], depth: number): Command | null {
  let from: string | null = null;
  let at = 0;
  for (; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const spec = /^--from(?:=(.*))?$/s.exec(word);
    if (spec) from = spec[1] ?? words[(at += 1)] ?? null;
    else if (uvFlagsWithValue.has(word)) at += 1;
    else if (!word.startsWith('-')) break;
  }
  const program = words[at] ?? null;
  const spec = from ?? program;
  if (spec === null || program === null) return null;
  const parsed = pypiSpec(spec);
  // A git address or a folder is built by whoever runs it.
  if (!parsed) return isPlaceholder(spec) ? null : manual('source', 'uvx', words);
  const args = words.slice(at + 1);
  if (wrappers.has(parsed.identifier)) return unwrap(parsed.identifier, args, depth);
  if (isNeverServer(parsed.identifier)) return null;
  const name = pypiSpec(program)?.identifier ?? program;
  return {
    started: {
      kind: 'package',
      method: 'uvx',
      ...parsed,
      bin: from !== null && name !== parsed.identifier && isProgram(program) ? program : null,
    },
    args,
    variables: [],
  };
}

function readUv(rest: readonly string[], depth: number): Command | null {
  if (rest[0] === 'tool' && rest[1] === 'run') return pythonPackage(rest.slice(2), depth);
  if (!rest.includes('run')) return null;
  return manual('source', 'uv', rest);
}

function container(rest: readonly string[]): Command | null {
  const run = readContainerRun(rest);
  if (!run) return null;
  const { image, version, args, variables, ports, mounts } = run;
  if (run.local) return { ...manual('build', 'docker', rest), variables };
  return { started: { kind: 'image', identifier: image, version, ports, mounts }, args, variables };
}

/** What a bridge carries: a command of this machine or a server elsewhere. */
function unwrap(wrapper: string, args: readonly string[], depth: number): Command | null {
  const url = args.find((word) => /^https?:\/\//i.test(word));
  const stdio = args.indexOf('--stdio');
  if (stdio !== -1) return readCommand(splitWords(args[stdio + 1] ?? ''), depth + 1);
  const dashes = args.indexOf('--');
  if (dashes !== -1) return readCommand(args.slice(dashes + 1), depth + 1);
  if (url !== undefined) return { started: { kind: 'remote', url, wrapper }, args: [], variables: [] };
  const launcher = args.findIndex((word) => /^(?:npx|uvx|uv|docker|node|python3?)$/.test(programName(word)));
  return launcher === -1 ? null : readCommand(args.slice(launcher), depth + 1);
}
