// The fake store of answers passes the suite of the real ones.
import { describeAnswerStore } from './answer-store-contract.ts';
import { MemoryAnswerStore } from './memory-answer-store.ts';

describeAnswerStore('memory', async () => {
  let now = 0;
  return {
    store: new MemoryAnswerStore({ now: () => now }),
    age: (ms) => {
      now += ms;
    },
    end: () => undefined,
  };
});
