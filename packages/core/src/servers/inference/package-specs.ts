// What people write where a package is named: names with versions, extras and ranges; or something that is no name.
import { identifierProblem } from '../launch-recipe.ts';
import { isPlaceholder } from './placeholders.ts';

/** `@scope/name@1.2.3` in its parts; null for what is no name of the registry: paths, addresses, placeholders. */
export function npmSpec(spec: string): { identifier: string; version: string | null } | null {
  const at = spec.indexOf('@', 1);
  const identifier = (at === -1 ? spec : spec.slice(0, at)).toLowerCase();
  if (identifierProblem('npx', identifier) !== null || isPlaceholder(spec)) return null;
  return { identifier, version: at === -1 ? null : usableVersion(spec.slice(at + 1)) };
}

/** A version that says something: no tag that moves, no range, no placeholder. */
export function usableVersion(raw: string | null): string | null {
  if (raw === null) return null;
  const version = raw.replace(/^v(?=\d)/, '');
  if (!/^\d[A-Za-z0-9._+!-]{0,127}$/.test(version) || /^0\.0\.0(?:$|[-+])/.test(version)) return null;
  return /(?:^|\.)x(?:$|\.)/i.test(version) ? null : version;
}

/** `name[extra]==1.2` in its parts; null for paths, addresses and placeholders. */
export function pypiSpec(spec: string): { identifier: string; version: string | null } | null {
  const parts =
    /^([A-Za-z0-9][A-Za-z0-9._-]{0,200})(?:\[[\w\s,.-]{0,200}\])?(?:\s{0,4}(?:[=~<>!]=|@|[<>])\s{0,4}(.{1,100}))?$/.exec(
      spec.trim(),
    );
  const identifier = parts?.[1] ?? '';
  if (!parts || identifierProblem('uvx', identifier) !== null || isPlaceholder(identifier)) return null;
  const version = parts[2] ?? null;
  if (version !== null && /[:/]/.test(version)) return null;
  return { identifier, version: /==|@/.test(spec) ? usableVersion(version) : null };
}
