// Gives folders of ours to the uid of a sandbox.
import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { toolPath } from './sandbox-tools.ts';

const run = promisify(execFile);

/** With all they hold, links themselves and not what they lead to. A folder that belongs to the uid already is left as it is. */
export const handOver = async (folders: readonly string[], uid: number): Promise<void> => {
  for (const folder of folders) {
    if ((await lstat(folder)).uid === uid) continue;
    await run('chown', ['-R', '-h', `${uid}:${uid}`, '--', folder], {
      env: { PATH: toolPath, LC_ALL: 'C' },
    });
  }
};
