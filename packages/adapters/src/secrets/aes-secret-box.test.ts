// The secret box with real cryptography: the contract, and what a sealed text looks like.
import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { describeSecretBox } from '@insightloop/core/testing';
import { describe, expect, it } from 'vitest';
import { createSecretBox } from './aes-secret-box.ts';

const keyNamed = (name: string): KeyObject => createSecretKey(createHash('sha256').update(name).digest());

describeSecretBox('AES-256-GCM', (key) => createSecretBox(keyNamed(key)));

describe('a sealed text', () => {
  const box = createSecretBox(keyNamed('one'));

  it('tells its version and its key, and nothing of the text', () => {
    const sealed = box.seal('sk-live-secret', 'deploy-a');
    expect(sealed).toMatch(/^v1\.[\w-]{11}\.[\w-]+$/);
    expect(Buffer.from(sealed.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain('sk-live');
    expect(sealed.split('.')[1]).toBe(box.seal('', '').split('.')[1]);
  });

  it('opens for years: this one was sealed by the first version', () => {
    const sealed = 'v1.ck3pkg9faVY.RsyoN4z1vSHP8Ljt7kFD0khLD8pXWxMjphFFjv-DgVVdnEuy6U94rQ';
    expect(box.open(sealed, 'deploy-a')).toBe('Grüße 🎉');
  });

  it('says what to do when the key is another', () => {
    const sealed = createSecretBox(keyNamed('other')).seal('sk-live-secret', 'deploy-a');
    expect(() => box.open(sealed, 'deploy-a')).toThrow(
      /sealed with another key .* Start with the key of before/,
    );
  });
});
