// Ways to start the server that a person has to prepare: told, never run by us.
import { type ManualRecipe } from './inference.ts';
import { type Identity } from './relatedness.ts';
import { isNeverServer } from './third-party.ts';

/** Ways that a person takes, without repetition: the server's own, as often documented first. */
export function bestManual(found: readonly ManualRecipe[], identity: Identity): ManualRecipe[] {
  const counts = new Map<string, { recipe: ManualRecipe; count: number }>();
  for (const recipe of found) {
    const line = [recipe.command, ...recipe.args].join(' ');
    if (!isServerStart(recipe, line, identity)) continue;
    const known = counts.get(line);
    // A client's configuration starts the server; a line of a shell may prepare it.
    const weight = recipe.evidence.some(({ detail }) => detail.startsWith('configuration')) ? 3 : 1;
    if (known) known.count += weight;
    else counts.set(line, { recipe, count: weight });
  }
  return [...counts.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, 10)
    .map(({ recipe }) => recipe);
}

function isServerStart({ via, args }: ManualRecipe, line: string, { tokens, name }: Identity): boolean {
  const flat = line.toLowerCase();
  const isNamed = tokens.some((token) => flat.includes(token)) || flat.includes(name.toLowerCase());
  switch (via) {
    case 'go':
    case 'cargo':
      // What is installed by name or address is the server's only where it is called like it.
      if (args[0] === 'install') return isHere(args) || isNamed;
      return args[0] === 'run';
    case 'source':
      return (
        !isErrand(args) &&
        !/^(?:npm|pnpm|yarn|bun|make) (?:i|install|ci|test|build|run (?!start)|lint)|^(?:make|gradle|mvn)\b/.test(
          flat,
        ) &&
        /\.(?:js|mjs|cjs|ts|py|jar|dll|csproj)\b|uv |git\+/.test(flat)
      );
    case 'python':
      return isNamed && !isErrand(args);
    case 'binary':
    case 'brew':
    case 'build':
      return isNamed && !line.includes('\n');
  }
}

/** `cargo install --path .`, `go install ./...`: what stands in the folder. */
const isHere = (args: readonly string[]): boolean =>
  args.some((word) => word === '--path' || word.startsWith('.'));

/** `uv run pytest`, `python -m pytest`: a tool of the trade, run over the server's source. */
const isErrand = (args: readonly string[]): boolean => {
  const run = args.indexOf('run');
  const words = args
    .slice(run + 1)
    .filter((word) => !word.startsWith('-') && !/^python(?:3(?:\.\d+)?)?$/.test(word));
  return isNeverServer(words[0] ?? '');
};
