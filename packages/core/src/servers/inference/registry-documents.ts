// server.json and entries of the official registry, in every schema from 2025-07-09 on, also mixed in one file.
import { field, flag, list, record, text, words } from './reading.ts';
import {
  assignment,
  type InputMention,
  mention,
  type Sighting,
  sighting,
  transportNamed,
  type VariableMention,
} from './sighting.ts';

/** What a document says beside its ways to start the server. */
export interface RegistryDocument {
  /** Reverse-DNS name, such as `io.github.owner/server`. */
  name: string | null;
  title: string | null;
  description: string | null;
  repository: string | null;
  sightings: Sighting[];
}

/** Reads a document, with or without the envelope that the registry puts around it; null for something else. */
export function readRegistryDocument(value: unknown, file: string): RegistryDocument | null {
  const document = record(field(value, 'server')) ?? record(value);
  if (!document) return null;
  const packages = list(field(document, 'packages'));
  const remotes = list(field(document, 'remotes'));
  const name = words(field(document, 'name'));
  if (packages.length + remotes.length === 0 && !name?.includes('/')) return null;
  const source = file === 'registry' ? 'registry' : 'server.json';
  const version = words(field(document, 'version'));
  return {
    name,
    title: words(field(document, 'title')),
    description: words(field(document, 'description')),
    repository: words(field(field(document, 'repository'), 'url')),
    sightings: [
      ...packages.slice(0, 50).flatMap((entry) => packageSighting(entry, version, { source, file })),
      ...remotes.slice(0, 50).flatMap((entry) => remoteSighting(entry, { source, file })),
    ],
  };
}

type Place = Pick<Sighting, 'source' | 'file'>;

const launcherOf: Readonly<Record<string, readonly string[]>> = {
  npm: ['npx', '-y'],
  pypi: ['uvx'],
  oci: ['docker', 'run', '-i', '--rm'],
  docker: ['docker', 'run', '-i', '--rm'],
};

function packageSighting(entry: unknown, documentVersion: string | null, place: Place): Sighting[] {
  const registryType = words(
    field(entry, 'registryType', 'registry_type', 'registry_name', 'registryName'),
  )?.toLowerCase();
  const identifier = words(field(entry, 'identifier', 'name'));
  const launcher = registryType === undefined ? undefined : launcherOf[registryType];
  if (!launcher || identifier === null) return [];
  const named = identifier.replace(/[:@]?\$\{?\w{0,60}\}?$/, '');
  const runtime = list(field(entry, 'runtimeArguments', 'runtime_arguments')).slice(0, 200);
  const container = launcher[0] === 'docker';
  const ran = container ? runtime.flatMap((argument) => argumentWords(argument)) : [];
  const passed = container ? passedVariables(runtime) : [];
  const declared = list(field(entry, 'environmentVariables', 'environment_variables')).slice(0, 200);
  const packageArguments = list(field(entry, 'packageArguments', 'package_arguments')).slice(0, 200);
  return [
    sighting({
      ...place,
      words: [...launcher, ...ran, named],
      more_args: packageArguments.flatMap((argument) => argumentWords(argument, false)),
      declares_args: packageArguments.length > 0,
      version: words(field(entry, 'version')) ?? documentVersion,
      transport: transportNamed(
        text(field(field(entry, 'transport'), 'type')) ?? text(field(entry, 'transport')),
      ),
      // Where it serves HTTP it says at which address; the command still comes first.
      url: words(field(field(entry, 'transport'), 'url')),
      variables: [...declared.flatMap(declaredVariable), ...passed],
      inputs: [...runtime, ...packageArguments].flatMap(inputsOfArgument),
    }),
  ];
}

/**
 * The words of an argument that has to be there: one that is optional and has no fixed value is the user's matter.
 */
function argumentWords(argument: unknown, all = true): string[] {
  const type = text(field(argument, 'type'));
  const name = words(field(argument, 'name'));
  const required = flag(field(argument, 'isRequired', 'is_required')) ?? false;
  const fixed = words(field(argument, 'value'));
  if (fixed !== null && /^\$\{?[A-Za-z_]\w*\}?$/.test(fixed)) return [];
  const fallback = words(field(argument, 'default'));
  const hint = words(field(argument, 'valueHint', 'value_hint'));
  const value =
    fixed ??
    (required
      ? (fallback ?? (hint === null ? (words(field(argument, 'placeholder')) ?? null) : `{${hint}}`))
      : null);
  if (type === 'named' && name !== null) {
    if (value === null) return required && all ? [name] : required ? [name, `{${inputName(name)}}`] : [];
    // "docker run -e NAME=value": the value belongs to the flag.
    return [name, value];
  }
  return value === null
    ? required && hint === null && name !== null
      ? [`{${inputName(name)}}`]
      : []
    : [value];
}

export const inputName = (raw: string): string =>
  raw
    .replace(/^-+/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^(?=\d)/, 'input_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 60) || 'value';

/** `-e NAME={variable}` in the runtime's arguments declares a variable, with what the placeholder says of it. */
const passedVariables = (runtime: readonly unknown[]): VariableMention[] =>
  runtime.flatMap((argument) => {
    const name = words(field(argument, 'name'));
    if (name !== '-e' && name !== '--env') return [];
    const found = assignment(words(field(argument, 'value', 'default')) ?? '');
    if (!found) return [];
    const placeholder = /^\{([\w.-]{1,100})\}$/.exec(found.value ?? '')?.[1];
    const about = placeholder === undefined ? undefined : field(field(argument, 'variables'), placeholder);
    const required =
      flag(field(about, 'isRequired', 'is_required')) ?? flag(field(argument, 'isRequired', 'is_required'));
    return [
      {
        ...found,
        required: placeholder === undefined ? false : required,
        secret: flag(field(about, 'isSecret', 'is_secret')) === true ? true : null,
        default: words(field(about, 'default')) ?? (placeholder === undefined ? found.value : null),
        description: words(field(about, 'description')) ?? words(field(argument, 'description')),
        value: null,
      },
    ];
  });

function declaredVariable(entry: unknown): VariableMention[] {
  const name = words(field(entry, 'name'));
  if (name === null || !/^[A-Za-z_][A-Za-z0-9_]{0,120}$/.test(name)) return [];
  const fallback = words(field(entry, 'default'));
  // `required` and `secret` are of no schema, but their authors mean them.
  const required = flag(field(entry, 'isRequired', 'is_required', 'required'));
  return [
    mention(name, {
      required: required === true && fallback !== null ? false : (required ?? false),
      secret: flag(field(entry, 'isSecret', 'is_secret', 'secret')) === true ? true : null,
      default: fallback,
      description: words(field(entry, 'description')),
    }),
  ];
}

function inputsOfArgument(argument: unknown): InputMention[] {
  const variables = Object.entries(record(field(argument, 'variables')) ?? {}).slice(0, 50);
  const own = words(field(argument, 'valueHint', 'value_hint')) ?? words(field(argument, 'name'));
  return [
    ...variables.map(([name, about]) => inputMention(inputName(name), about)),
    ...(own === null ? [] : [inputMention(inputName(own), argument)]),
  ];
}

const inputMention = (name: string, about: unknown): InputMention => ({
  name,
  description: words(field(about, 'description')),
  secret: flag(field(about, 'isSecret', 'is_secret')) === true,
  default: words(field(about, 'default')),
  format: words(field(about, 'format')),
  required: flag(field(about, 'isRequired', 'is_required')) === true,
});

function remoteSighting(entry: unknown, place: Place): Sighting[] {
  const url = words(field(entry, 'url'));
  if (url === null) return [];
  return [
    sighting({
      ...place,
      url,
      transport: transportNamed(text(field(entry, 'type', 'transport_type', 'transport'))),
      inputs: [],
    }),
  ];
}
