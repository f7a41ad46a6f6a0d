// Whether other users of this machine can get at the project's files: some tests run parts of it as one of them.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

const searchableByAll = 0o001;

/** The folder above that keeps them out, null when none does. */
const closedFolder = (path: string): string | null => {
  if ((statSync(path).mode & searchableByAll) === 0) return path;
  return path === dirname(path) ? null : closedFolder(dirname(path));
};

const closed = closedFolder(import.meta.dirname);
if (closed !== null) {
  const reason = `other users cannot pass through "${closed}", so tests that run the project as one of them cannot run`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  console.warn(`skipped: ${reason}`);
}

/** Without it there is nothing to be tested as another user. */
export const isReachable = closed === null;
