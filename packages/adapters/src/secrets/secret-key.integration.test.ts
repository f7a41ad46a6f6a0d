// The secret key on a real disk: made once, refused when it is open to others, the same for all who start at once.
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { openSecretKey } from './secret-key.ts';
import { SecretKeyError } from './secret-key-error.ts';

const folders: string[] = [];

const newFile = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'secret-key-'));
  folders.push(folder);
  return join(folder, 'data', 'secret.key');
};

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const hex = 'ab'.repeat(32);
const base64 = Buffer.from(hex, 'hex').toString('base64');

const keyOf = async (setting: string | null, file = '/nowhere/secret.key'): Promise<string> =>
  (await openSecretKey({ setting, file })).export().toString('hex');

describe('the setting', () => {
  it.each([
    hex,
    hex.toUpperCase(),
    base64,
    base64.replace('=', ''),
    Buffer.from(hex, 'hex').toString('base64url'),
    ` ${hex}\n`,
  ])('is the key: %j', async (setting) => {
    expect(await keyOf(setting)).toBe(hex);
  });

  it('is a passphrase, which gives the same key everywhere', async () => {
    const key = await keyOf('correct horse battery staple');
    expect(key).toMatch(/^[\da-f]{64}$/);
    expect(await keyOf('correct horse battery staple\n')).toBe(key);
    expect(await keyOf('correct horse battery stapler')).not.toBe(key);
    // Pinned: what was sealed with a passphrase has to open with it in later versions too.
    expect(key).toBe('d0ed0374adeeb1993a1bd7556b183a532624c06fdb918e597cf104fb6d088855');
  });

  it.each(['', ' ', 'short', 'fifteen letters', `  ${'x'.repeat(15)}  `])(
    'is too short: %j',
    async (setting) => {
      await expect(keyOf(setting)).rejects.toThrow(/INSIGHTLOOP_SECRET_KEY is too short.*openssl rand/);
    },
  );
});

describe('the file', () => {
  it('is made at the first start, ours alone, and read at the next', async () => {
    const file = await newFile();
    const key = await keyOf(null, file);
    expect(key).toMatch(/^[\da-f]{64}$/);
    expect(await keyOf(null, file)).toBe(key);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(file, '..'))).mode & 0o777).toBe(0o700);
    expect(await readFile(file, 'utf8')).toBe(`${Buffer.from(key, 'hex').toString('base64')}\n`);
    expect(await readdir(join(file, '..'))).toEqual(['secret.key']);
    expect(await keyOf(null, await newFile())).not.toBe(key);
  });

  it('is not looked at when there is a setting', async () => {
    const file = await newFile();
    await keyOf(hex, file);
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  it.each([0o640, 0o604, 0o660, 0o777])('is refused when it is open to others: %o', async (mode) => {
    const file = await newFile();
    await keyOf(null, file);
    await chmod(file, mode);
    await expect(keyOf(null, file)).rejects.toThrow(`chmod 600 '${file}'`);
    await chmod(file, 0o600);
    await keyOf(null, file);
  });

  it.runIf(process.geteuid?.() === 0)("is refused when it is another user's", async () => {
    const file = await newFile();
    await keyOf(null, file);
    await chown(file, 12_345, 12_345);
    await expect(keyOf(null, file)).rejects.toThrow(/belongs to user 12345.*chown/);
  });

  it.each(['', 'AAAA', base64.slice(0, 40), `${base64}${base64}`, 'x'.repeat(10_000), '\0'.repeat(45)])(
    'is refused and left as it is when it holds no key: %j',
    async (content) => {
      const file = await newFile();
      await mkdir(join(file, '..'));
      await writeFile(file, content, { mode: 0o600 });
      await expect(keyOf(null, file)).rejects.toThrow(/holds no key .* Restore it from a copy/);
      expect(await readFile(file, 'utf8')).toBe(content);
    },
  );

  it('is made after a start that ended half way, whose draft is swept away', async () => {
    const file = await newFile();
    await mkdir(join(file, '..'));
    await writeFile(`${file}.0123456789ab.draft`, 'AAAA', { mode: 0o600 });
    await keyOf(null, file);
    expect(await readdir(join(file, '..'))).toEqual(['secret.key']);
  });

  it('is refused in words where it cannot be made', async () => {
    const file = await newFile();
    await writeFile(join(file, '..'), '');
    const refused = keyOf(null, file);
    await expect(refused).rejects.toBeInstanceOf(SecretKeyError);
    await expect(refused).rejects.toThrow(/cannot be used: .* set INSIGHTLOOP_SECRET_KEY/);
    await rm(join(file, '..'));
    await mkdir(file, { recursive: true });
    await expect(keyOf(null, file)).rejects.toThrow('no regular file');
  });

  it('is the same for all who start at once', async () => {
    const file = await newFile();
    const keys = await Promise.all(Array.from({ length: 20 }, () => keyOf(null, file)));
    expect(new Set(keys).size).toBe(1);
    expect(await readdir(join(file, '..'))).toEqual(['secret.key']);
  });

  it('is the same for processes that start at once', async () => {
    const file = await newFile();
    const program = `import { openSecretKey } from ${JSON.stringify(join(import.meta.dirname, 'secret-key.ts'))};
      const key = await openSecretKey({ setting: null, file: ${JSON.stringify(file)} });
      process.stdout.write(key.export().toString('hex'));`;
    const start = async (): Promise<string> =>
      (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])).stdout;
    const keys = await Promise.all(Array.from({ length: 6 }, start));
    expect(keys[0]).toMatch(/^[\da-f]{64}$/);
    expect(new Set(keys).size).toBe(1);
    expect(await readdir(join(file, '..'))).toEqual(['secret.key']);
  });
});
