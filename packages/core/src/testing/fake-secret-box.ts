// A secret box without cryptography: what is sealed can be told from what was put in, and from nothing else.
import { SecretBoxError, type SecretBox } from '../platform/secret-box.ts';

export class FakeSecretBox implements SecretBox {
  readonly #key: string;
  #sealed = 0;

  constructor(key = 'key') {
    this.#key = key;
  }

  seal(text: string, context: string): string {
    this.#sealed += 1;
    const body = JSON.stringify([this.#sealed, text, context]);
    return `fake.${this.#key}.${checksum(body)}.${encode(body)}`;
  }

  open(sealed: string, context: string): string {
    const [, key, sum, encoded] = /^fake\.(\w+)\.(\d+)\.([\w-]+)$/.exec(sealed) ?? [];
    const body = Buffer.from(encoded ?? '', 'base64url').toString();
    if (encoded === undefined || encode(body) !== encoded || String(checksum(body)) !== sum)
      throw new SecretBoxError('damaged', 'It is damaged.');
    if (key !== this.#key) throw new SecretBoxError('other_key', 'It was sealed with another key.');
    const [, text, within]: unknown[] = JSON.parse(body);
    if (within !== context || typeof text !== 'string')
      throw new SecretBoxError('damaged', 'It belongs elsewhere.');
    return text;
  }
}

const encode = (text: string): string => Buffer.from(text).toString('base64url');

const checksum = (text: string): number => {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) sum = (sum * 31 + text.charCodeAt(at)) % 4_294_967_291;
  return sum;
};
