// The launcher's lock, with real processes: one at a time, and the dead hold nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLock } from './lock.mjs';

const lock = new URL('lock.mjs', import.meta.url).href;
let folder;
const children = [];

beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'insightloop lock '))));
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** A process that takes the lock and then does some work with it. */
function contender(work) {
  const code = `import { appendFileSync as append } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { withLock } from ${JSON.stringify(lock)};
    const log = (word) => append(process.argv[1] + '/log', word + ' ' + process.pid + '\\n');
    await withLock(process.argv[1] + '/locks', () => {}, async () => { ${work} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, folder], { stdio: 'inherit' });
  children.push(child);
  return child;
}

const logged = async () => (await readFile(join(folder, 'log'), 'utf8')).trimEnd().split('\n');

it('is held by one process at a time', async () => {
  const contenders = Array.from({ length: 5 }, () => contender(`log('in'); await sleep(20); log('out');`));
  await Promise.all(contenders.map((child) => once(child, 'exit')));

  const lines = await logged();
  expect(lines).toHaveLength(10);
  for (let index = 0; index < lines.length; index += 2) {
    expect(lines[index]).toMatch(/^in /);
    expect(lines[index + 1]).toBe(lines[index].replace('in', 'out'));
  }
  expect(await readdir(join(folder, 'locks'))).toEqual([]);
});

it('is not held by a process that was killed', async () => {
  const killed = contender(`log('in'); setInterval(() => {}, 1000); await new Promise(() => {});`);
  await expect.poll(() => logged().catch(() => [])).toEqual([`in ${killed.pid}`]);

  const waited = [];
  const taken = withLock(
    join(folder, 'locks'),
    (pid) => waited.push(pid),
    async () => 'mine',
  );
  await expect.poll(() => waited).toEqual([killed.pid]);
  killed.kill('SIGKILL');
  expect(await taken).toBe('mine');
});

it('is not held by another process that was given the number of a dead one', async () => {
  const locks = join(folder, 'locks');
  await withLock(locks, expect.unreachable, async () => {});
  await writeFile(join(locks, '1-0'), '');
  await withLock(locks, expect.unreachable, async () => {});
  expect(await readdir(locks)).toEqual([]);
});
