// The secret box: AES-256-GCM with a random nonce for each text.
import { createCipheriv, createDecipheriv, createHash, randomBytes, type KeyObject } from 'node:crypto';
import { SecretBoxError, type SecretBox } from '@insightloop/core';

const algorithm = 'aes-256-gcm';
const version = 'v1';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * A sealed text is `v1.<key id>.<nonce, ciphertext, tag in base64url>`. The key id is a fingerprint of the key, so that
 * another key is told from damage. With random nonces of 96 bits a key is good for 2^32 texts (NIST SP 800-38D, 8.3).
 */
export function createSecretBox(key: KeyObject): SecretBox {
  const keyId = keyIdOf(key);
  const header = `${version}.${keyId}.`;
  /** What must be the same when the text is opened, beside the key. */
  const circumstances = (context: string): Buffer => Buffer.from(header + context, 'utf8');

  return {
    seal(text, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(
        circumstances(context),
      );
      const body = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return header + Buffer.concat(body).toString('base64url');
    },
    open(sealed, context) {
      const match = /^v1\.([\w-]{11})\.([\w-]+)$/.exec(sealed);
      const body = Buffer.from(match?.[2] ?? '', 'base64url');
      // Base64 has characters whose last bits say nothing: they must be as we wrote them too.
      if (!match || body.length < nonceBytes + tagBytes || body.toString('base64url') !== match[2])
        throw new SecretBoxError('damaged', 'The stored secret is damaged: it is no sealed text.');
      if (match[1] !== keyId)
        throw new SecretBoxError(
          'other_key',
          `The stored secret was sealed with another key (${match[1]}) than the present one (${keyId}). ` +
            'Start with the key of before, or give the secret anew.',
        );
      const decipher = createDecipheriv(algorithm, key, body.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
        .setAAD(circumstances(context))
        .setAuthTag(body.subarray(-tagBytes));
      try {
        const text = decipher.update(body.subarray(nonceBytes, -tagBytes));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new SecretBoxError(
          'damaged',
          'The stored secret is damaged, or belongs elsewhere. Give it anew.',
          {
            cause,
          },
        );
      }
    },
  };
}

/** 64 bits that say which key it is and nothing of what it is: a hash of 256 random or stretched bits cannot be undone. */
const keyIdOf = (key: KeyObject): string =>
  createHash('sha256')
    .update('insightloop secret key id\0')
    .update(key.export())
    .digest()
    .subarray(0, 8)
    .toString('base64url');
