// Secrets at rest: the key of this installation, and texts sealed with it.
export { createSecretBox } from './aes-secret-box.ts';
export { SecretKeyError } from './secret-key-error.ts';
export { openSecretKey, type SecretKeySource } from './secret-key.ts';
