// Clients' configurations: `mcpServers` and its many cousins, read from any value that JSON, TOML or YAML gave.
import { programName, readCommand } from './commands.ts';
import { field, isRecord, list, record, text, texts, words } from './reading.ts';
import { splitWords } from './shell-words.ts';
import {
  type InputMention,
  mention,
  type Sighting,
  sighting,
  type Source,
  transportNamed,
  type VariableMention,
} from './sighting.ts';

/** Where the configuration stands. */
export interface ConfigPlace {
  source: Source;
  file: string;
  headings?: readonly string[];
  line?: number;
}

const containers =
  /^(?:mcp_?-?servers|servers|mcp|context_servers|extensions|mcp\.servers|amp\.mcpservers)$/i;
const deepest = 8;
const mostFound = 200;

/** Every server that the value configures. */
export function configuredServers(value: unknown, place: ConfigPlace): Sighting[] {
  const found: Sighting[] = [];
  const visit = (
    node: unknown,
    name: string | null,
    inContainer: boolean,
    inputs: InputMention[],
    depth: number,
  ): void => {
    if (depth > deepest || found.length >= mostFound) return;
    if (Array.isArray(node)) {
      for (const entry of node.slice(0, 100))
        visit(entry, words(field(entry, 'name')), inContainer, inputs, depth + 1);
      return;
    }
    const fields = record(node);
    if (!fields) return;
    const known = [...inputs, ...inputsOf(field(fields, 'inputs'))];
    const server = serverOf(fields, name, inContainer, { place, inputs: known });
    if (server) {
      found.push(server);
      return;
    }
    for (const [key, inner] of Object.entries(fields).slice(0, 500)) {
      if (isRecord(inner) || Array.isArray(inner))
        visit(inner, key, containers.test(key) || inContainer, known, depth + 1);
    }
  };
  visit(value, words(field(value, 'name')), false, [], 0);
  return found;
}

function serverOf(
  fields: Record<string, unknown>,
  name: string | null,
  inContainer: boolean,
  { place, inputs }: { place: ConfigPlace; inputs: readonly InputMention[] },
): Sighting | null {
  const command = commandWords(fields);
  const url = words(
    field(fields, 'url', 'serverUrl', 'httpUrl', 'server_url', 'http_url', 'uri', 'endpoint'),
  );
  const transport = transportNamed(text(field(fields, 'type', 'transport', 'transportType')));
  const parts = {
    ...place,
    name: name ?? words(field(fields, 'name')),
    transport,
    variables: environmentOf(fields, inputs),
    inputs,
  };
  if (command.length > 0) {
    // Examples of calls have a `command` as well; outside of a known container only a launcher counts.
    const started = readCommand(command)?.started.kind;
    if (started === undefined && !inContainer) return null;
    if (started === 'manual' && !inContainer && !Object.hasOwn(fields, 'args')) return null;
    return sighting({ ...parts, words: command });
  }
  if (url === null || !/^https?:\/\//i.test(url)) return null;
  return inContainer || transport !== null ? sighting({ ...parts, url }) : null;
}

/** `command` as a word, a line, an array, or `{path, args}`; `cmd` as Goose writes it. */
function commandWords(fields: Record<string, unknown>): string[] {
  const command = field(fields, 'command', 'cmd');
  const args = texts(field(fields, 'args', 'arguments'));
  if (Array.isArray(command)) return [...texts(command), ...args];
  if (isRecord(command))
    return [words(field(command, 'path', 'command')) ?? '', ...texts(field(command, 'args'))];
  const program = words(command);
  return program === null ? [] : [program, ...separated(program, args)];
}

/** No package's name has a space in it: such an argument is a whole line that its author forgot to take apart. */
function separated(program: string, args: readonly string[]): readonly string[] {
  if (!/^(?:npx|bunx|pnpx|uvx|uv|docker|podman)$/.test(programName(program))) return args;
  const at = args.findIndex((word) => !word.startsWith('-'));
  const line = args[at] ?? '';
  return /^[@\w][\w@./:-]{0,200}\s+\S/.test(line)
    ? [...args.slice(0, at), ...splitWords(line), ...args.slice(at + 1)]
    : args;
}

function environmentOf(fields: Record<string, unknown>, inputs: readonly InputMention[]): VariableMention[] {
  const names = ['env', 'environment', 'envs', 'environmentVariables'];
  // Where the command is `{path, args, env}`, they are its.
  const environment = field(fields, ...names) ?? field(field(fields, 'command'), ...names);
  if (Array.isArray(environment)) {
    return texts(environment).flatMap((entry) => {
      const equals = entry.indexOf('=');
      const name = equals === -1 ? entry : entry.slice(0, equals);
      return isName(name) ? [mention(name, { value: equals === -1 ? null : entry.slice(equals + 1) })] : [];
    });
  }
  return Object.entries(record(environment) ?? {}).flatMap(([name, value]) => {
    if (!isName(name)) return [];
    const written = text(value);
    const input = written === null ? undefined : inputOf(written, inputs);
    return [
      mention(name, {
        value: written,
        secret: input?.secret === true ? true : null,
        description: input?.description ?? null,
      }),
    ];
  });
}

const isName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,120}$/.test(name);

const inputOf = (value: string, inputs: readonly InputMention[]): InputMention | undefined => {
  const id = /\$\{input:([\w.-]{1,100})\}/.exec(value)?.[1];
  return id === undefined ? undefined : inputs.find(({ name }) => name === id);
};

/** VS Code's `inputs`: what it asks the person for. */
export const inputsOf = (value: unknown): InputMention[] =>
  list(value)
    .slice(0, 100)
    .flatMap((entry): InputMention[] => {
      const name = words(field(entry, 'id'));
      return name === null
        ? []
        : [
            {
              name,
              description: words(field(entry, 'description')),
              secret: field(entry, 'password') === true,
              default: words(field(entry, 'default')),
              format: null,
              required: true,
            },
          ];
    });
