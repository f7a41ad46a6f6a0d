// A sighting: one place where somebody wrote how to start the server. Sources find them, the rest weighs them.
import { type Transport } from '../launch-recipe.ts';

/** In order of trust. */
export const sources = [
  'registry',
  'server.json',
  'configuration',
  'deep-link',
  'shell',
  'install',
  'manifest',
  'prose',
] as const;
export type Source = (typeof sources)[number];

/** What is known of a variable at one place; null is "not said". */
export interface VariableMention {
  name: string;
  required: boolean | null;
  secret: boolean | null;
  default: string | null;
  description: string | null;
  /** The value of an example, placeholder or not. */
  value: string | null;
}

export interface InputMention {
  name: string;
  description: string | null;
  secret: boolean;
  default: string | null;
  format: string | null;
  required: boolean;
}

export interface Sighting {
  source: Source;
  /** The file, or `registry`. */
  file: string;
  headings: readonly string[];
  line: number;
  /** How the example's author calls the server. */
  name: string | null;
  /** The words of the command, or none where there is only an address. */
  words: readonly string[];
  url: string | null;
  /** Where the source says so. */
  transport: Transport | null;
  version: string | null;
  variables: readonly VariableMention[];
  inputs: readonly InputMention[];
  /** Arguments that the source gives outside of the command. */
  more_args: readonly string[];
  /** The source says what arguments there are: then the ones that it leaves out are not needed. */
  declares_args: boolean;
  /** The text says not to start this: the name belongs to somebody else. */
  warned_off: boolean;
}

export const sighting = (parts: Partial<Sighting> & Pick<Sighting, 'source' | 'file'>): Sighting => ({
  headings: [],
  line: 0,
  name: null,
  words: [],
  url: null,
  transport: null,
  version: null,
  variables: [],
  inputs: [],
  more_args: [],
  declares_args: false,
  warned_off: false,
  ...parts,
});

export const mention = (name: string, parts: Partial<VariableMention> = {}): VariableMention => ({
  name,
  required: null,
  secret: null,
  default: null,
  description: null,
  value: null,
  ...parts,
});

/** `NAME=value` as one writes it before a command or after `-e`; without a value it is passed on. */
export function assignment(word: string): VariableMention | null {
  const equals = word.indexOf('=');
  const name = equals === -1 ? word : word.slice(0, equals);
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,120}$/.test(name)) return null;
  return mention(name, { value: equals === -1 ? null : word.slice(equals + 1) });
}

export function transportNamed(name: string | null | undefined): Transport | null {
  switch (name?.toLowerCase().replaceAll('_', '-')) {
    case 'stdio':
    case 'local':
      return 'stdio';
    case 'http':
    case 'streamable-http':
    case 'streamablehttp':
    case 'streamable':
    case 'remote':
      return 'streamable-http';
    case 'sse':
      return 'sse';
    default:
      return null;
  }
}
