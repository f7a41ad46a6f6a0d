// What every AnswerStore must do: the fake, and each kind of database.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerStore } from '../platform/answer-store.ts';

export interface AnswerStoreSubject {
  /** Empty. */
  store: AnswerStore;
  /** Makes what is in the store older. */
  age(ms: number): void | Promise<void>;
  end(): void | Promise<void>;
}

const secondMs = 1000;

export function describeAnswerStore(name: string, open: () => Promise<AnswerStoreSubject>): void {
  describe(`the answer store contract: ${name}`, () => {
    let subject: AnswerStoreSubject;
    let store: AnswerStore;

    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(() => subject.end());

    it('gives a key once, then says that it is pending, then gives the answer', async () => {
      expect(await store.claim('key', 'a')).toEqual({ state: 'new' });
      expect(await store.claim('key', 'a')).toEqual({ state: 'pending' });
      await store.answer('key', '{"ä":"世界"}');
      expect(await store.claim('key', 'a')).toEqual({ state: 'answered', answer: '{"ä":"世界"}' });
    });

    it('tells a key that was used for something else', async () => {
      await store.claim('key', 'a');
      expect(await store.claim('key', 'b')).toEqual({ state: 'different' });
      await store.answer('key', 'x');
      expect(await store.claim('key', 'b')).toEqual({ state: 'different' });
      expect(await store.claim('other', 'b')).toEqual({ state: 'new' });
    });

    it('lets one of many at once have it', async () => {
      const claims = await Promise.all(Array.from({ length: 12 }, () => store.claim('key', 'a')));
      expect(claims.filter(({ state }) => state === 'new')).toHaveLength(1);
      expect(claims.filter(({ state }) => state === 'pending')).toHaveLength(11);
    });

    it('frees a key that is released, and none that was answered', async () => {
      await store.claim('key', 'a');
      await store.release('key');
      expect(await store.claim('key', 'b')).toEqual({ state: 'new' });
      await store.answer('key', 'x');
      await store.release('key');
      expect(await store.claim('key', 'b')).toEqual({ state: 'answered', answer: 'x' });
      await store.release('never claimed');
    });

    it('forgets an answer after 24 hours, and a claim after a minute in which it was not renewed', async () => {
      await store.claim('answered', 'a');
      await store.answer('answered', 'x');
      await store.claim('claimed', 'a');
      await subject.age(50 * secondMs);
      expect(await store.claim('claimed', 'a')).toEqual({ state: 'pending' });
      await store.renew('claimed');
      await subject.age(50 * secondMs);
      expect(await store.claim('claimed', 'a')).toEqual({ state: 'pending' });
      await subject.age(20 * secondMs);
      expect(await store.claim('claimed', 'a')).toEqual({ state: 'new' });
      await store.renew('answered');
      expect(await store.claim('answered', 'a')).toEqual({ state: 'answered', answer: 'x' });
      await subject.age(24 * 60 * 60 * secondMs);
      expect(await store.claim('answered', 'b')).toEqual({ state: 'new' });
    });
  });
}
