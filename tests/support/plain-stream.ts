// A reader of the plain Server-Sent Events, as curl would be: no more than frames as they come.

export interface Frame {
  id: string | null;
  /** The name of the event; null where it has none, and is a message. */
  name: string | null;
  data: unknown;
}

export interface PlainStream {
  headers: Headers;
  /** Resolves with the next so many frames that have data. @throws Error when the stream ends before */
  take(count: number): Promise<Frame[]>;
  /** Leaves. */
  close(): void;
}

/** Resolves when the stream stands: what happens from then on is told. @throws Error for any answer but 200 */
export async function openPlainStream(
  url: string,
  headers: Record<string, string> = {},
): Promise<PlainStream> {
  const leaving = new AbortController();
  const answer = await fetch(url, { headers, signal: leaving.signal });
  if (answer.status !== 200 || !answer.body) throw new Error(`${answer.status}: ${await answer.text()}`);
  // Taken hold of at once: a body that nobody reads is cancelled when its answer is collected as garbage.
  const frames = framesOf(answer.body.pipeThrough(new TextDecoderStream()));
  return {
    headers: answer.headers,
    take: async (count) => {
      const taken: Frame[] = [];
      while (taken.length < count) {
        const next = await frames.next();
        if (next.done) throw new Error(`the stream ended after ${taken.length} of ${count} frames`);
        taken.push(next.value);
      }
      return taken;
    },
    close: () => leaving.abort(),
  };
}

async function* framesOf(body: ReadableStream<string>): AsyncGenerator<Frame, void> {
  let text = '';
  for await (const chunk of body) {
    const whole = (text + chunk).split('\n\n');
    text = whole.pop() ?? '';
    for (const frame of whole) {
      const field = (name: string): string | null =>
        new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1] ?? null;
      const data = field('data');
      if (data !== null) yield { id: field('id'), name: field('event'), data: JSON.parse(data) as unknown };
    }
  }
}
