// What a stand-in for Gemini says of tasks: plans from a table, calls, and answers, by what it was asked.
import type { GeminiStandIn, StandInRequest, StandInTurn } from './gemini/stand-in.ts';

export interface ModelStep {
  tool: string;
  action?: 'invoke_tool' | 'read_resource' | 'get_prompt';
  /** Null where the model would know them only from results. */
  args?: object | null;
  depends_on?: number[];
}

/** The turn in which a model writes its plan. */
export const planTurn = (...steps: ModelStep[]): StandInTurn => ({
  text: JSON.stringify({
    steps: steps.map(({ tool, action = 'invoke_tool', args = {}, depends_on: before = [] }, index) => ({
      step: index + 1,
      action,
      tool,
      arguments_json: args === null ? null : JSON.stringify(args),
      purpose: `to use ${tool}`,
      depends_on: before,
    })),
  }),
  usage: { input_tokens: 100, output_tokens: 20 },
});

/** What a request says, as one text: enough to tell which task it is about and how far that is. */
export const saidIn = (request: StandInRequest): string => JSON.stringify(request.messages);

/** Plans by a word in the prompt, and answers everything else with one sentence. */
export function improviseTasks(standIn: GeminiStandIn, plans: Record<string, ModelStep[]>): void {
  standIn.improvise((request) => {
    const said = saidIn(request);
    if (said.includes('Nothing more will be carried out')) return { text: 'This is what came of it.' };
    if (said.includes('Call now what can be called')) return { text: 'done' };
    const [, steps = []] = Object.entries(plans).find(([word]) => said.includes(word)) ?? [];
    return planTurn(...steps);
  });
}
