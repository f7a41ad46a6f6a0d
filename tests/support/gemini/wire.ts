// A bare HTTP server that sends what the Gemini API sends, byte by byte, and keeps what it was sent.
//
// aimock has no place for these shapes: a question that is refused (`promptFeedback` without candidates), google.rpc
// details of an error (RetryInfo, ErrorInfo), thought signatures, an error in the middle of a stream, bytes that are
// no answer, silence; and it keeps neither the declarations nor the headers of a request.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface WireRequest {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
}

export type WireAnswer =
  | { status: number; body: unknown; headers?: Record<string, string> }
  /** Events of one stream, an object each; texts are written as they are. */
  | { events: readonly unknown[]; end?: 'whole' | 'cut' | 'open' };

export class GeminiWire {
  readonly requests: WireRequest[] = [];
  readonly #script: WireAnswer[] = [];
  readonly #server: Server;
  /** Streams that a client has left. */
  left = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(): Promise<GeminiWire> {
    const wire = new GeminiWire();
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The stand-in does not listen.');
    return `http://127.0.0.1:${address.port}`;
  }

  script(...answers: WireAnswer[]): void {
    this.#script.push(...answers);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
    this.requests.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(text) });
    const answer = this.#script.shift() ?? { status: 404, body: rpcError(404, 'NOT_FOUND', 'Not scripted.') };
    if ('status' in answer) {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      return void response.end(JSON.stringify(answer.body));
    }
    response.on('close', () => (this.left += response.writableFinished ? 0 : 1));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of answer.events)
      response.write(typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\r\n\r\n`);
    if (answer.end === 'cut') response.write('', () => response.destroy());
    else if (answer.end !== 'open') response.end();
  }
}

/** google.rpc.Status in the envelope of Google's REST APIs. */
export const rpcError = (
  code: number,
  status: string,
  message: string,
  details: unknown[] = [],
): unknown => ({
  error: { code, message, status, ...(details.length > 0 ? { details } : {}) },
});

/** What a key that is not valid is answered with. */
export const keyRefused = {
  status: 400,
  body: rpcError(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    },
    {
      '@type': 'type.googleapis.com/google.rpc.LocalizedMessage',
      locale: 'en-US',
      message: 'API key not valid. Please pass a valid API key.',
    },
  ]),
};

/** What a used-up quota is answered with. */
export const quotaUsedUp = (retryDelay: string): WireAnswer => ({
  status: 429,
  body: rpcError(
    429,
    'RESOURCE_EXHAUSTED',
    'You exceeded your current quota, please check your plan and billing details.',
    [
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: [
          {
            quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
            quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
            quotaValue: '10',
          },
        ],
      },
      {
        '@type': 'type.googleapis.com/google.rpc.Help',
        links: [
          {
            description: 'Learn more about Gemini API quotas',
            url: 'https://ai.google.dev/gemini-api/docs/rate-limits',
          },
        ],
      },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
    ],
  ),
});

/** What a question that the safety rules refuse is answered with. */
export const questionRefused = (blockReason: string): WireAnswer => ({
  events: [
    {
      promptFeedback: { blockReason },
      usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 },
      modelVersion: 'gemini-2.5-flash',
    },
  ],
});

/** One chunk of a stream. */
export const chunk = (
  parts: readonly unknown[],
  more: { finishReason?: string; usage?: object } = {},
): unknown => ({
  candidates: [
    {
      content: { parts, role: 'model' },
      ...(more.finishReason === undefined ? {} : { finishReason: more.finishReason }),
      index: 0,
    },
  ],
  ...(more.usage === undefined ? {} : { usageMetadata: more.usage }),
  modelVersion: 'gemini-2.5-flash',
  responseId: 'kSYjadjTN4_-nsEPzsHQ8Ao',
});
