// Stands in for Gemini in the demo, where nobody has a key: says what is written here, in the form in which Gemini says it.
import { createServer } from 'node:http';

export interface StandIn {
  url: string;
  stop(): Promise<void>;
}

/** The task of the demo, which this script knows how to carry out. */
export const demoPrompt = 'Add 19 and 23, and have the sum echoed.';

const plan = {
  steps: [
    {
      step: 1,
      action: 'invoke_tool',
      tool: 'get-sum',
      arguments_json: '{"a":19,"b":23}',
      purpose: 'to add the numbers',
      depends_on: [],
    },
    {
      step: 2,
      action: 'invoke_tool',
      tool: 'echo',
      arguments_json: null,
      purpose: 'to have the sum echoed',
      depends_on: [1],
    },
  ],
};

const call = { functionCall: { id: 'call-1', name: 'echo', args: { message: '19 + 23 = 42' } } };

/** Tells the three questions of a task apart by what they ask for. */
function answerTo(question: string): object[] {
  if (question.includes('Nothing more will be carried out'))
    return ['The sum of 19 and 23 is 42, ', 'and the server echoed “19 + 23 = 42”.'].map((text) => ({
      text,
    }));
  if (question.includes('Call now what can be called')) return [call];
  return [{ text: JSON.stringify(plan) }];
}

const chunkOf = (part: object, isLast: boolean): string =>
  `data: ${JSON.stringify({
    candidates: [
      { content: { role: 'model', parts: [part] }, index: 0, ...(isLast && { finishReason: 'STOP' }) },
    ],
    usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 },
  })}\n\n`;

export async function startStandIn(): Promise<StandIn> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const parts = answerTo(Buffer.concat(chunks).toString());
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const [index, part] of parts.entries())
          response.write(chunkOf(part, index === parts.length - 1));
        response.end();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the stand-in does not listen');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
