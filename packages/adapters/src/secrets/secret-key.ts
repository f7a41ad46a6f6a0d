// The secret key of this installation: from the setting, else from a file that is made at the first start.
import { createSecretKey, scrypt, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { openKeyFile } from './key-file.ts';
import { keyBytes, keyOfText } from './key-text.ts';
import { SecretKeyError } from './secret-key-error.ts';

const minPassphraseLength = 16;

export interface SecretKeySource {
  /** What INSIGHTLOOP_SECRET_KEY says; null where it says nothing. */
  setting: string | null;
  /** Used without a setting; made, together with its folder, where it is missing. */
  file: string;
}

/** @throws SecretKeyError */
export async function openSecretKey({ setting, file }: SecretKeySource): Promise<KeyObject> {
  return createSecretKey(setting === null ? await openKeyFile(file) : await keyOfSetting(setting));
}

/** A key, or a passphrase of at least 16 characters. White space around it does not count, as files and shells leave some. */
async function keyOfSetting(setting: string): Promise<Buffer> {
  const text = setting.trim();
  const key = keyOfText(text);
  if (key) return key;
  if (text.length < minPassphraseLength)
    throw new SecretKeyError(
      `INSIGHTLOOP_SECRET_KEY is too short: give 32 random bytes in base64 or hex, such as the output of ` +
        `\`openssl rand -base64 32\`, or a passphrase of at least ${minPassphraseLength} characters.`,
    );
  return stretched(text);
}

/**
 * scrypt with 32 MiB and about 0.1 s, once at a start. The salt is fixed, because the same passphrase has to give the
 * same key on every host: passphrases that others use too are as weak as anywhere.
 */
const stretched = (passphrase: string): Promise<Buffer> =>
  scryptAsync(passphrase.normalize('NFC'), 'insightloop secret key', keyBytes, {
    N: 2 ** 15,
    r: 8,
    p: 1,
    maxmem: 2 ** 26,
  });

const scryptAsync = promisify<
  string,
  string,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt);
