// Port: texts that nobody can read without our key, such as the environments of deployments at rest.

export interface SecretBox {
  /**
   * @param context what the text belongs to, such as a deployment's id: it opens with the same context only, so a
   *   sealed text cannot be moved to another place
   */
  seal(text: string, context: string): string;
  /** @throws SecretBoxError */
  open(sealed: string, context: string): string;
}

/** `other_key`: sealed under another key than ours. `damaged`: changed, cut, or of another context. */
export type SecretBoxFailure = 'other_key' | 'damaged';

/** A sealed text cannot be opened. The message may be shown: it holds neither key nor text. */
export class SecretBoxError extends Error {
  override readonly name = 'SecretBoxError';
  readonly failure: SecretBoxFailure;

  constructor(failure: SecretBoxFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}
