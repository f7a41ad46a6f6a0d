// Stands in for the Gemini REST API, by @copilotkit/aimock on a port of its own: answers are scripted turn by turn.
import { LLMock, type ChatCompletionRequest, type Fixture, type FixtureResponse } from '@copilotkit/aimock';

/** What aimock hands a script of a request. Declarations and results of calls are in `messages` and `tools`. */
export type StandInRequest = ChatCompletionRequest;

export interface StandInCall {
  /** As it was declared, which may not be the server's own name. */
  name: string;
  arguments?: unknown;
  id?: string;
}

export type StandInTurn =
  | {
      text?: string;
      calls?: StandInCall[];
      usage?: { input_tokens?: number; output_tokens?: number };
      /** Gemini's own finish reason, such as SAFETY or MAX_TOKENS. */
      finishReason?: string;
      /** Characters of text in each chunk. */
      chunkSize?: number;
      /** The connection breaks after so many chunks. */
      cutAfterChunks?: number;
      /** Before each chunk. */
      delayMs?: number;
    }
  | { status: number; message: string; rpcStatus?: string; retryAfterSeconds?: number };

export type StandInScript = (request: StandInRequest) => StandInTurn | Promise<StandInTurn>;

/** Requests are answered by the script in their order; what is not scripted is a 404 of the stand-in. */
export class GeminiStandIn {
  readonly #mock: LLMock;
  readonly #script: StandInTurn[] = [];
  /** A request may be matched against many fixtures; each turn is for one. */
  readonly #claimed = new WeakMap<StandInRequest, Fixture>();

  private constructor(mock: LLMock) {
    this.#mock = mock;
  }

  /** Listens on a free port of the loopback interface. */
  static async start(): Promise<GeminiStandIn> {
    const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
    await mock.start();
    return new GeminiStandIn(mock);
  }

  /** For GOOGLE_GEMINI_BASE_URL. */
  get url(): string {
    return this.#mock.url;
  }

  /** What was asked, in order, as aimock reads it; the key is not in it. */
  get requests(): StandInRequest[] {
    return this.#mock.getRequests().flatMap(({ body }) => (body === null ? [] : [body as StandInRequest]));
  }

  /** Adds to what the next requests are answered with. */
  script(...turns: StandInTurn[]): void {
    for (const turn of turns) {
      this.#script.push(turn);
      const fixture: Fixture = {
        match: { predicate: (request) => this.#claims(request, turn, fixture) },
        response: responseOf(turn),
        ...pace(turn),
      };
      this.#mock.addFixture(fixture);
    }
  }

  /** Answers every request that the script says nothing of, until the stand-in ends. Without breaks and delays. */
  improvise(script: StandInScript): void {
    this.#mock.addFixture({
      match: { predicate: (request) => this.#script.length === 0 && !this.#claimed.has(request) },
      response: async (request) => responseOf(await script(request)),
    });
  }

  #claims(request: StandInRequest, turn: StandInTurn, fixture: Fixture): boolean {
    const claimed = this.#claimed.get(request);
    if (claimed !== undefined) return claimed === fixture;
    if (this.#script[0] !== turn) return false;
    this.#script.shift();
    this.#claimed.set(request, fixture);
    return true;
  }

  async close(): Promise<void> {
    await this.#mock.stop();
  }
}

function responseOf(turn: StandInTurn): FixtureResponse {
  if ('status' in turn)
    return {
      status: turn.status,
      error: { message: turn.message, type: turn.rpcStatus ?? 'INTERNAL' },
      ...(turn.retryAfterSeconds === undefined ? {} : { retryAfter: turn.retryAfterSeconds }),
    };
  const { text, calls = [], usage, finishReason } = turn;
  const more = {
    // aimock says FUNCTION_CALL after calls; Gemini says STOP.
    finishReason: finishReason ?? 'STOP',
    ...(usage && {
      usage: {
        promptTokenCount: usage.input_tokens ?? 0,
        candidatesTokenCount: usage.output_tokens ?? 0,
      },
    }),
  };
  const toolCalls = calls.map(({ name, arguments: args = {}, id }) => ({
    name,
    arguments: JSON.stringify(args),
    ...(id === undefined ? {} : { id }),
  }));
  if (toolCalls.length === 0) return { content: text ?? '', ...more };
  return text === undefined ? { toolCalls, ...more } : { content: text, toolCalls, ...more };
}

function pace(turn: StandInTurn): Partial<Fixture> {
  if ('status' in turn) return {};
  return {
    ...(turn.chunkSize === undefined ? {} : { chunkSize: turn.chunkSize }),
    ...(turn.cutAfterChunks === undefined ? {} : { truncateAfterChunks: turn.cutAfterChunks }),
    ...(turn.delayMs === undefined ? {} : { latency: turn.delayMs }),
  };
}
