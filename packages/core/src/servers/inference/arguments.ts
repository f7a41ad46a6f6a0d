// The arguments of an example as arguments of a recipe: what the reader has to put in becomes a named input.
import { type LaunchRecipeInput } from '../launch-recipe.ts';
import { isCredentialUrl, isPathPlaceholder, isPlaceholder } from './placeholders.ts';
import { prose } from './reading.ts';
import { inputName } from './registry-documents.ts';
import { type InputMention } from './sighting.ts';
import { isSecretName } from './variable-names.ts';

export type RecipeInput = LaunchRecipeInput['inputs'][number];

export interface RecipeArguments {
  args: string[];
  inputs: RecipeInput[];
  /** Variables that take the place of arguments which would have shown a secret. */
  moved: string[];
}

/** `variables`: names that the server reads from its environment; a secret goes there rather than into arguments. */
export function recipeArguments(
  words: readonly string[],
  mentions: readonly InputMention[],
  variables: ReadonlySet<string>,
): RecipeArguments {
  const args: string[] = [];
  const inputs = new Map<string, RecipeInput>();
  const moved: string[] = [];
  for (let at = 0; at < words.length && args.length < 200; at += 1) {
    const word = words[at] ?? '';
    const equals = /^--?[\w-]{1,80}=/.exec(word);
    const value = equals ? word.slice(equals[0].length) : word;
    const previous = words[at - 1] ?? '';
    const flag = equals
      ? equals[0].slice(0, -1)
      : /^--?[A-Za-z]/.test(previous) && !previous.includes('=')
        ? previous
        : null;
    if (value.startsWith('-') || !needsValue(value, flag)) {
      args.push(word);
      continue;
    }
    const asked = askedFor(value, flag, mentions);
    const variable = asked.secret && flag !== null ? variableFor(asked.name, value, variables) : undefined;
    if (variable !== undefined) {
      moved.push(variable);
      if (!equals) args.pop();
      continue;
    }
    const reference = `${equals?.[0] ?? ''}{${asked.name}}`;
    if (args.at(-1) === reference && !equals) {
      // Several in a row are examples of one that may be repeated.
      const known = inputs.get(asked.name);
      if (known) inputs.set(asked.name, { ...known, repeatable: true });
      continue;
    }
    args.push(reference);
    inputs.set(asked.name, inputOf(asked));
  }
  return { args, inputs: [...inputs.values()], moved };
}

/** `{input}` of server.json, `${input:id}` of VS Code, a placeholder, a path or an address with somebody's password. */
const needsValue = (value: string, flag: string | null): boolean =>
  /^\{[\w.-]{1,100}\}$/.test(value) ||
  value.includes('${input:') ||
  isCredentialUrl(value) ||
  (flag !== null && isSecretName(inputName(flag)) && !value.startsWith('{') && value.length > 0) ||
  isPathPlaceholder(value) ||
  (isPlaceholder(value) &&
    value.length > 0 &&
    !/^(?:string|none|null|value|key|secret|password|token|https?)$/i.test(value));

interface Asked {
  name: string;
  secret: boolean;
  value: string;
  mention: InputMention | undefined;
}

function askedFor(value: string, flag: string | null, mentions: readonly InputMention[]): Asked {
  const given = /^\{([\w.-]{1,100})\}$/.exec(value)?.[1] ?? /\$\{input:([\w.-]{1,100})\}/.exec(value)?.[1];
  const variable = /^\$\{?(?:env:|user_config\.)?([A-Za-z_]\w{0,80})\}?$/.exec(value)?.[1];
  const name =
    given === undefined ? (flag === null ? nameOf(value, variable) : inputName(flag)) : inputName(given);
  const mention = mentions.find(
    (candidate) => candidate.name === given || inputName(candidate.name) === name,
  );
  return {
    name,
    value,
    mention,
    secret:
      mention?.secret === true ||
      isCredentialUrl(value) ||
      isSecretName(name) ||
      (variable !== undefined && isSecretName(variable)),
  };
}

function nameOf(value: string, variable: string | undefined): string {
  if (variable !== undefined && !/^(?:PWD|HOME|workspaceFolder)$/.test(variable)) return inputName(variable);
  const scheme = /^([a-z]{2,20})(?:\+srv)?:\/\//i.exec(value)?.[1];
  if (scheme !== undefined && isCredentialUrl(value)) return `${scheme.toLowerCase()}_uri`;
  if (isPathPlaceholder(value)) return 'path';
  return inputName(
    value.replace(/^(?:your|my|enter|paste|insert|the)[-_ ]/i, '').replace(/[-_ ]here\W*$/i, ''),
  );
}

/** `--api-key KEY` where the environment has `X_API_KEY`: the environment is the safer way to the same end. */
function variableFor(name: string, value: string, variables: ReadonlySet<string>): string | undefined {
  const wanted = name.toUpperCase();
  const written = /^\$\{?(?:env:)?([A-Za-z_]\w{0,80})\}?$/.exec(value)?.[1];
  const known = [...variables];
  return (
    known.find((variable) => variable === written || variable.toUpperCase() === wanted) ??
    known.find((variable) => variable.toUpperCase().endsWith(`_${wanted}`))
  );
}

function inputOf({ name, secret, value, mention }: Asked): RecipeInput {
  const kind = secret ? 'secret' : kindOf(name, value, mention);
  return {
    name,
    description: mention?.description ? prose(mention.description) : null,
    kind,
    required: (mention?.default ?? null) === null,
    default: secret ? null : (mention?.default ?? null),
    repeatable: false,
  };
}

function kindOf(name: string, value: string, mention: InputMention | undefined): RecipeInput['kind'] {
  const said = `${name} ${mention?.format ?? ''} ${mention?.description ?? ''}`;
  if (/filepath|\bfile\b|config_path|_file$/i.test(said) || /\.\w{2,5}$/.test(value)) return 'file';
  if (/\bdir(?:ectory)?\b|folder|workspace|_dir$/i.test(said)) return 'directory';
  if (isPathPlaceholder(value) || /path/i.test(name)) return 'path';
  return /^https?:/i.test(value) || /_ur[il]$/.test(name) ? 'url' : 'string';
}
