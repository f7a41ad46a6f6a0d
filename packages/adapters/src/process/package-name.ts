// Which names and versions may be handed to an installer: never a path, a flag, an address or a git reference.
import { identifierProblem, invalidConfiguration } from '@insightloop/core';

const semver =
  /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
/** What npm would read as a range, such as `1`, `v2` or `x`, is no tag. */
const distTag = /^(?!v?\d|x(?:\.|$))[a-z][a-z0-9._-]*$/i;

/** PEP 440. */
const pythonVersion =
  /^(?:\d+!)?\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?(?:\+[a-z0-9]+(?:\.[a-z0-9]+)*)?$/;

const maxVersionLength = 256;

/** A version that names one release for ever, unlike a tag. */
export const isExactNpmVersion = (version: string): boolean =>
  version.length <= maxVersionLength && semver.test(version);

/** @throws AppError INVALID_CONFIGURATION */
export const requireNpmPackage = (name: string, version: string | null): void => {
  requireName('npx', name);
  if (version === null || isExactNpmVersion(version)) return;
  if (version.length > maxVersionLength || !distTag.test(version)) {
    throw invalidConfiguration(
      `"${version.slice(0, maxVersionLength)}" is neither an exact version, such as 1.2.3, nor a tag, such as latest.`,
    );
  }
};

/** @throws AppError INVALID_CONFIGURATION */
export const requirePythonPackage = (name: string, version: string | null): void => {
  requireName('uvx', name);
  if (version === null) return;
  if (version.length > maxVersionLength || !pythonVersion.test(version)) {
    throw invalidConfiguration(
      `"${version.slice(0, maxVersionLength)}" is not an exact version, such as 1.2.3.`,
    );
  }
};

const requireName = (method: 'npx' | 'uvx', name: string): void => {
  const problem = identifierProblem(method, name);
  if (problem !== null)
    throw invalidConfiguration(`The identifier ${JSON.stringify(name.slice(0, 214))} ${problem}.`);
};

/** The one spelling of a Python package's name (PEP 503). */
export const normalPythonName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');
