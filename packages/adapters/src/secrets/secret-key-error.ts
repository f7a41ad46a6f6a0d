// The secret key is missing or wrong in a way that a person must mend; the message says how, and holds no key.

export class SecretKeyError extends Error {
  override readonly name = 'SecretKeyError';
}
