// The port PackageRegistry: npm through the operator's own npm, PyPI and image registries over HTTP.
import {
  HttpUnreachable,
  identifierProblem,
  type HttpReader,
  type PackageAnswer,
  type PackageRegistry,
  type PackageRequest,
} from '@insightloop/core';
import { lookUpImage } from './images.ts';
import { lookUpNpm, type AskNpm } from './npm.ts';
import { lookUpPypi } from './pypi.ts';

export interface PackageRegistryOptions {
  /** For hosts that the operator chose. */
  http: HttpReader;
  /** For hosts that a stranger's text names: it must refuse what is not public. */
  guardedHttp: HttpReader;
  /** The operator's own npm. */
  askNpm: AskNpm;
  /** Default: PyPI's own. */
  pypiUrl?: string;
}

export function createPackageRegistry(options: PackageRegistryOptions): PackageRegistry {
  const { http, guardedHttp, askNpm, pypiUrl = 'https://pypi.org' } = options;

  const ask = (request: PackageRequest, signal: AbortSignal): Promise<PackageAnswer> => {
    switch (request.method) {
      case 'npx':
        return lookUpNpm(request, { askNpm, http, signal });
      case 'uvx':
        return lookUpPypi(request, { url: pypiUrl.replace(/\/+$/, ''), http, signal });
      case 'docker':
        return lookUpImage(request, { http: guardedHttp, signal });
    }
  };

  return {
    async lookUp(request, signal) {
      signal.throwIfAborted();
      const problem = problemOf(request);
      if (problem !== null) return { state: 'missing', detail: problem };
      try {
        return await ask(request, signal);
      } catch (error) {
        signal.throwIfAborted();
        const detail =
          error instanceof HttpUnreachable ? error.message : 'its registry answers in an unknown way';
        return { state: 'unreachable', detail };
      }
    },
  };
}

/** It becomes a part of addresses and command lines, so it is judged once more. */
function problemOf({ method, identifier, version }: PackageRequest): string | null {
  const problem = identifierProblem(method, identifier);
  if (problem !== null) return `the name ${problem}`;
  return version === null || /^[A-Za-z0-9][A-Za-z0-9._+!-]{0,127}$/.test(version)
    ? null
    : 'the version is neither a version nor a tag';
}
