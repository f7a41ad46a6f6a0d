// What went wrong in uv, in words for the one who asked for the package. uv has no codes: its sentences are searched.
import { deploymentFailed, deploymentUnavailable, type AppError, type ExitReason } from '@insightloop/core';

export interface UvFailure {
  exit: ExitReason;
  output: string[];
  subject: string;
  memoryBytes: number;
  diskBytes: number;
}

const unreachable =
  /dns error|failed to lookup address|connection refused|connection reset|connect error|timed out|network is unreachable|error sending request|HTTP status server error|status code 5\d\d|\b(?:429|50[0234]) [A-Z]/i;
const certificate = /invalid peer certificate|certificate verify failed|UnknownIssuer/i;
const refused = /\b40[13] (?:Unauthorized|Forbidden)|status code 40[13]|missing credentials/i;
const unknown = /not found in the package registry|was not found in the cache|404 Not Found/i;
const noVersion = /there (?:is|are) no version|no solution found|only .* (?:is|are) available/i;
const needsBuild = /building source distributions is disabled|no (?:usable )?wheels|--no-build/i;
const mismatch = /hash mismatch/i;
const noPython = /no interpreter found|no python installation|requires-python|does not satisfy Python/i;
const noRoom = /no space left on device|os error 28/i;

export const uvFailure = ({ exit, output, subject, memoryBytes, diskBytes }: UvFailure): AppError => {
  const details = { package: subject, output };
  const text = output.join('\n');
  if (exit.kind === 'out_of_memory') {
    return deploymentFailed(
      `Installing ${subject} took more than ${mebibytes(memoryBytes)} MiB of memory.`,
      details,
    );
  }
  if (exit.kind === 'disk_full') {
    return deploymentFailed(
      `Installing ${subject} took more than ${mebibytes(diskBytes)} MiB of disk.`,
      details,
    );
  }
  if (noRoom.test(text)) {
    return deploymentUnavailable(`There is no room left on this machine's disk for ${subject}.`, details);
  }
  if (certificate.test(text)) {
    return deploymentUnavailable('The certificate of the package index is not trusted here.', details);
  }
  if (refused.test(text)) {
    return deploymentUnavailable(
      `The package index does not let us have ${subject}. Check the credentials in uv's configuration.`,
      details,
    );
  }
  if (unknown.test(text)) return deploymentFailed(`The package index has no package ${subject}.`, details);
  if (mismatch.test(text)) {
    return deploymentFailed(`What the index sent for ${subject} is not what it promised.`, details);
  }
  if (unreachable.test(text)) {
    return deploymentUnavailable(`The package index could not be reached for ${subject}.`, details);
  }
  if (needsBuild.test(text)) {
    return deploymentFailed(
      `${subject}, or something it depends on, must be built on this machine, which runs its code. ` +
        'Allow that with configuration.security.allow_scripts.',
      details,
    );
  }
  if (noPython.test(text)) return deploymentFailed(`${subject} needs another version of Python.`, details);
  if (noVersion.test(text)) {
    return deploymentFailed(`${subject}, or something it depends on, has no such version.`, details);
  }
  return deploymentFailed(`uv could not install ${subject}.`, details);
};

const mebibytes = (bytes: number): number => Math.round(bytes / (1024 * 1024));
