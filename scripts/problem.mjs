// What goes wrong before the program runs, told with what to do next.

/** A failure whose message is for the person at the terminal; anything else is a fault of the launcher's own. */
export class Problem extends Error {
  /** @param {string} message what happened @param {string} advice what to do next */
  constructor(message, advice) {
    super(message);
    this.advice = advice;
  }
}

// The first that matches wins: a full disk also reads as a failed fetch, a bad certificate as a dead network.
const causes = [
  {
    pattern: /ENOSPC|EDQUOT|no space left|disk quota/i,
    advice:
      'The disk is full. About 2 GB are needed here and in the package cache: free some, then run it again.',
  },
  {
    pattern: /EACCES|EPERM|EROFS|permission denied|read-only file system/i,
    advice:
      'A folder cannot be written (its name is in the output above). Make it yours, or run this as the user who owns the project.',
  },
  {
    pattern: /OUTDATED_LOCKFILE|LOCKFILE_CONFIG_MISMATCH|BROKEN_LOCKFILE/,
    advice:
      'pnpm-lock.yaml does not fit the package.json files. Run `npm run shell`, in it `pnpm install`, and commit the new lock file.',
  },
  {
    pattern: /self.signed|certificate|CERT_|UNABLE_TO_VERIFY|unknown issuer/i,
    advice:
      'The registry’s certificate is not trusted here. Behind a company proxy, set `npm config set cafile <file>` and NODE_EXTRA_CA_CERTS.',
  },
  {
    pattern: /\bE40[13]\b|\b40[137]\b.*(unauthori|forbidden|proxy)|ERR_PNPM_FETCH_40[13]|ENEEDAUTH/i,
    advice:
      'The package registry or a proxy refused us. Check `npm config get registry` and `npm login`, then run it again.',
  },
  {
    pattern: /\bE404\b|ETARGET|NO_MATCHING_VERSION|FETCH_404|notarget/,
    advice:
      'The package registry in use does not have this version. Check `npm config get registry`; a mirror may lag behind.',
  },
  {
    pattern:
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|dns error|error sending request|META_FETCH_FAIL|network/i,
    advice:
      'The package registry cannot be reached. Check the connection, `npm config get registry` and `npm config get proxy` (`npm ping` tries it), then run it again.',
  },
];

/** What to do about a command that failed with this output. */
export function adviceFor(output) {
  return (
    causes.find((cause) => cause.pattern.test(output))?.advice ??
    'The output above says why. When it is mended, run the same command again; it goes on where it stopped.'
  );
}
