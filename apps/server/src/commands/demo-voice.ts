// How the demo talks: a numbered line for each step, what came of it below, and at the end whether it worked.
import { styleText } from 'node:util';

export const say = (text: string): void => {
  process.stdout.write(text === '' ? '\n' : `     ${text}\n`);
};

let steps = 0;

/** Tells a failure where it happens, and throws it on: the demo ends there. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  steps += 1;
  process.stdout.write(`\n${styleText('bold', `${steps}. ${title}`)}\n`);
  const startedAt = Date.now();
  try {
    const result = await work();
    say(styleText('green', `done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`));
    return result;
  } catch (error) {
    say(styleText('red', `failed: ${error instanceof Error ? error.message : String(error)}`));
    throw error;
  }
}
