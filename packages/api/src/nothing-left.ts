// A stream that has told everything already: for readers that ask for what comes behind its end.

const nothing: IteratorResult<never, undefined> = { done: true, value: undefined };

/**
 * Known by itself, so that a door can tell readers to stay away: an EventSource would ask again every second for ever.
 */
export const nothingLeft: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(nothing) }),
};
