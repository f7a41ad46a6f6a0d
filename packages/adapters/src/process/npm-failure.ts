// What went wrong in npm, in words for the one who asked for the package.
import { deploymentFailed, deploymentUnavailable, type AppError, type ExitReason } from '@insightloop/core';

export interface NpmFailure {
  exit: ExitReason;
  /** The last output lines, fit to be shown. */
  output: string[];
  /** `name@version`. */
  subject: string;
  memoryBytes: number;
  diskBytes: number;
}

/** Codes with which npm says that the registry could not be reached, or is out of order. */
const unreachable =
  /^(?:ENOTFOUND|EAI_AGAIN|EAI_FAIL|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ECONNABORTED|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOTCACHED|ERR_SOCKET_TIMEOUT|ERR_STREAM_PREMATURE_CLOSE|ESOCKETTIMEDOUT|EIDLETIMEOUT|ECONNECTIONTIMEOUT|ERESPONSETIMEOUT|ETRANSFERTIMEOUT|EINVALIDPROXY|E429|E5\d\d)$/;
export const isUnreachableCode = (code: string): boolean => unreachable.test(code);
const certificate = /CERT|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/;
const refused = /^(?:E401|E403|ENEEDAUTH|EOTP|EAUTHUNKNOWN|ERR_INVALID_AUTH)$/;

export const npmFailure = (failure: NpmFailure): AppError => {
  const { exit, output, subject, memoryBytes, diskBytes } = failure;
  const code = codeOf(output);
  const details = { package: subject, npm_code: code, output };
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
  if (code === null) return deploymentFailed(`npm could not install ${subject}.`, details);
  if (unreachable.test(code)) {
    return deploymentUnavailable(`The npm registry could not be reached for ${subject} (${code}).`, details);
  }
  if (certificate.test(code)) {
    return deploymentUnavailable(
      `The certificate of the npm registry is not trusted here (${code}).`,
      details,
    );
  }
  if (refused.test(code)) {
    return deploymentUnavailable(
      `The npm registry does not let us have ${subject} (${code}). Check the credentials in npm's configuration.`,
      details,
    );
  }
  if (code === 'ENOSPC') {
    return deploymentUnavailable(`There is no room left on this machine's disk for ${subject}.`, details);
  }
  return deploymentFailed(`${sentenceOf(code, subject)} (${code}).`, details);
};

const sentenceOf = (code: string, subject: string): string => {
  switch (code) {
    case 'E404':
      return `npm has no package ${subject}, or keeps it private`;
    case 'ETARGET':
    case 'ENOVERSIONS':
      return `${subject}, or something it depends on, has no such version`;
    case 'EINTEGRITY':
      return `What the registry sent for ${subject} is not what it promised`;
    case 'TAR_BAD_ARCHIVE':
    case 'Z_BUF_ERROR':
    case 'Z_DATA_ERROR':
      return `What the registry sent for ${subject} is not a package`;
    case 'EBADPLATFORM':
    case 'EBADENGINE':
      return `${subject}, or something it depends on, does not run on this machine`;
    case 'EALLOWGIT':
    case 'ENOGIT':
      return `${subject} depends on a git repository, and only packages of a registry are installed`;
    case 'ERESOLVE':
      return `The dependencies of ${subject} contradict each other`;
    default:
      return `npm could not install ${subject}`;
  }
};

/** `npm error code E404`, in older versions `npm ERR! code E404`. */
const codeOf = (output: string[]): string | null => {
  for (const line of output) {
    const code = /^npm (?:error|ERR!) code (\S+)/.exec(line)?.[1];
    if (code !== undefined) return code;
  }
  return null;
};

const mebibytes = (bytes: number): number => Math.round(bytes / (1024 * 1024));
