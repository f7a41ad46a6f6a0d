// Ways to start the server that a person has to prepare: told, never run by us.
import { type ManualRecipe } from './inference.ts';
import { type Identity } from './relatedness.ts';

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
  switch (via) {
    case 'go':
      return args[0] === 'install' || args[0] === 'run';
    case 'cargo':
      return args[0] === 'install' || args[0] === 'run';
    case 'source':
      return (
        !/^(?:npm|pnpm|yarn|bun|make) (?:i|install|ci|test|build|run (?!start)|lint)|^(?:make|gradle|mvn)\b/.test(
          flat,
        ) && /\.(?:js|mjs|cjs|ts|py|jar|dll|csproj)\b|uv |git\+/.test(flat)
      );
    case 'binary':
    case 'python':
    case 'brew':
    case 'build':
      return tokens.some((token) => flat.includes(token)) || flat.includes(name.toLowerCase());
  }
}
