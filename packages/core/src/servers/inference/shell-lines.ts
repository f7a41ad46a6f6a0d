// Command lines in a README: `claude mcp add … -- npx …`, `code --add-mcp '{…}'`, `npx -y pkg`, `docker run …`, installs.
import { type Transport } from '../launch-recipe.ts';
import { programName } from './commands.ts';
import { imageReference } from './container-run.ts';
import { configuredServers, type ConfigPlace } from './launcher-configs.ts';
import { parseLenientJson } from './lenient-json.ts';
import { npmSpec, pypiSpec } from './package-specs.ts';
import { commandsOf } from './shell-words.ts';
import { assignment, type Sighting, sighting, transportNamed, type VariableMention } from './sighting.ts';

const launchers =
  /^(?:npx|pnpx|bunx|uvx|uv|pipx|docker|podman|npm|pnpm|yarn|bun|deno|env|cmd|node|python3?|go|cargo|brew|pip3?|sudo|set|export)$/;

/** What a block of shell lines starts or installs, in its order. */
export function shellSightings(block: string, place: ConfigPlace): Sighting[] {
  const exported: VariableMention[] = [];
  return commandsOf(block).flatMap(({ words, line }): Sighting[] => {
    const here = { ...place, line: (place.line ?? 0) + line };
    const set = exportedVariable(words);
    if (set) {
      exported.push(set);
      return [];
    }
    return commandSightings(words, here).map((found) => ({
      ...found,
      variables: [...exported, ...found.variables],
    }));
  });
}

function exportedVariable(words: readonly string[]): VariableMention | null {
  const [first = '', second = ''] = words;
  if (/^(?:export|set|setx)$/i.test(first)) return second.includes('=') ? assignment(second) : null;
  if (/^\$env:/i.test(first)) return assignment(words.join('').slice('$env:'.length));
  return words.length === 1 && first.includes('=') ? assignment(first) : null;
}

function commandSightings(words: readonly string[], place: ConfigPlace): Sighting[] {
  const addAt = words.findIndex(
    (word, at) => /^add(?:-json|-server)?$/.test(word) && words[at - 1] === 'mcp',
  );
  if (addAt > 0 && addAt < 5) return clientAdd(words.slice(addAt + 1), place);
  const jsonAt = words.indexOf('--add-mcp');
  if (jsonAt !== -1) return configuredServers(parseLenientJson(words[jsonAt + 1] ?? ''), place);
  const installed = installSighting(words, place);
  if (installed) return installed;
  const first = words.find((word) => !/^[A-Za-z_]\w*=/.test(word)) ?? '';
  return launchers.test(programName(first)) ? [sighting({ ...place, source: place.source, words })] : [];
}

const addFlagsWithValue = new Set([
  '-s',
  '--scope',
  '-t',
  '--transport',
  '--type',
  '-H',
  '--header',
  '--timeout',
  '--description',
  '--client',
]);

/** The arguments behind `<client> mcp add`: options, a name, then the command or the address. */
function clientAdd(words: readonly string[], place: ConfigPlace): Sighting[] {
  const variables: VariableMention[] = [];
  const rest: string[] = [];
  let transport: Transport | null = null;
  let url: string | null = null;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') {
      rest.push(...words.slice(at + 1));
      break;
    }
    const [flag, inline] = splitOption(word);
    if (flag === '-e' || flag === '--env') {
      // One `--env` may be followed by several assignments.
      if (inline !== undefined) pushAssignment(variables, inline);
      while (/^[A-Za-z_]\w*=/.test(words[at + 1] ?? '')) pushAssignment(variables, words[(at += 1)] ?? '');
    } else if (flag === '--url') url = inline ?? words[(at += 1)] ?? null;
    else if (flag === '--transport' || flag === '-t' || flag === '--type') {
      transport = transportNamed(inline ?? words[(at += 1)]);
    } else if (flag === '--command' && rest.length <= 1) rest.push(inline ?? words[(at += 1)] ?? '');
    else if (flag === '--args' && rest.length > 1)
      rest.push(...(inline ?? words[(at += 1)] ?? '').split(/[\s,]+/));
    else if (addFlagsWithValue.has(flag)) at += inline === undefined ? 1 : 0;
    else if (word.startsWith('-') && rest.length < 2) continue;
    else rest.push(word);
  }
  const json = rest.find((word) => word.startsWith('{'));
  if (json !== undefined) return configuredServers(parseLenientJson(json), place);
  const [name = null, ...command] = rest;
  // Some put the name in an option, or leave it out: then the command comes first.
  const start = name !== null && launchers.test(programName(name)) ? [name, ...command] : command;
  const address = url ?? (/^https?:\/\//i.test(start[0] ?? '') ? (start[0] ?? null) : null);
  if (address !== null) return [sighting({ ...place, name, url: address, transport, variables })];
  return start.length === 0 ? [] : [sighting({ ...place, name, words: start, transport, variables })];
}

const splitOption = (word: string): [string, string | undefined] => {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  return equals === -1 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
};

function pushAssignment(variables: VariableMention[], word: string): void {
  const found = assignment(word);
  if (found) variables.push(found);
}

/** `npm i -g X`, `pip install X`, `docker pull X`, `go install X`: they name what there is, not how it is started. */
function installSighting(words: readonly string[], place: ConfigPlace): Sighting[] | null {
  const plain = words[0] === 'sudo' ? words.slice(1) : words;
  const line = plain.join(' ');
  const target = plain.filter((word) => !word.startsWith('-')).at(-1) ?? '';
  const installed = (start: readonly string[]): Sighting[] => [
    sighting({ ...place, source: 'install', words: start }),
  ];
  if (/^(?:npm|pnpm|yarn|bun) (?:i|install|add|global)\b/.test(line)) {
    const global = plain.some((word) => word === '-g' || word === '--global' || word === 'global');
    return global && npmSpec(target) ? installed(['npx', '-y', target]) : [];
  }
  if (/^(?:uv tool|pipx|pip3?|python3? -m pip|uv pip) install\b/.test(line)) {
    if (plain.some((word) => word === '-e' || word === '-r' || word === '--editable')) return [];
    return pypiSpec(target) ? installed(['uvx', target]) : [];
  }
  if (/^(?:docker|podman) pull\b/.test(line))
    return imageReference(target) ? installed(['docker', 'run', '-i', '--rm', target]) : [];
  if (/^go install\b/.test(line)) return installed(['go', 'install', target]);
  if (/^cargo install\b/.test(line)) return installed(plain);
  if (/^brew\b/.test(line)) return /^brew install\b/.test(line) ? installed(plain) : [];
  return null;
}
