// Port: reading documents from other people's web services, none of which may fill our memory or hold us up.

export interface HttpReading {
  url: string;
  /** Names in lower case. `authorization` goes to the origin of `url` only, wherever a redirect leads. */
  headers?: Readonly<Record<string, string>>;
  /** Of the body; what is longer comes cut, and says so. */
  maxBytes: number;
  /**
   * Which redirects are followed, five at most and never from https to http: those within the origin (the default), or
   * any. Where one is not followed, the answer is the redirect itself.
   */
  redirects?: 'own-origin' | 'any-origin';
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Headers;
  /** Decoded as UTF-8 without a byte order mark; what is no UTF-8 becomes U+FFFD. */
  text: string;
  truncated: boolean;
}

export interface HttpReader {
  /**
   * Whatever status comes is an answer.
   * @throws HttpUnreachable when there is none in time, or the connection breaks; the signal's reason when it aborts
   */
  read(reading: HttpReading): Promise<HttpAnswer>;
}

/** No answer, or half of one. The message has the host and the reason, and nothing of headers or queries. */
export class HttpUnreachable extends Error {
  override readonly name = 'HttpUnreachable';
}
