// The identity of this installation: random, made once, carried by everything that we start on this machine.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Two that start at once on one data directory agree: the second to write finds the file and reads it. */
export async function instanceIdOf(dataDir: string): Promise<string> {
  const file = join(dataDir, 'instance-id');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, `${randomBytes(6).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const id = (await readFile(file, 'utf8')).trim();
  if (!/^[0-9a-f]{12}$/.test(id)) throw new Error(`${file} is damaged; remove it while nothing of ours runs`);
  return id;
}
