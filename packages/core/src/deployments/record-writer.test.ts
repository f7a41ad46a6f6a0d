// The writer of records: in order, one at a time, and patient while the store is away.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { MemoryDeploymentStore } from '../testing/memory-deployment-store.ts';
import { createRecordWriter } from './record-writer.ts';
import type { StoredDeployment } from './deployment.ts';

function begin() {
  const clock = new FakeClock();
  const store = new MemoryDeploymentStore();
  const over = new AbortController();
  const written: Partial<StoredDeployment>[] = [];
  const warnings: string[] = [];
  const scene = { isAway: false, hold: null as Promise<void> | null };
  store.update = async (_id, changes) => {
    await scene.hold;
    if (scene.isAway) throw new Error('away');
    written.push(changes);
  };
  const warn = (_fields: object, message: string): void => void warnings.push(message);
  const writer = createRecordWriter('deploy-1', {
    store,
    clock,
    logger: { debug: warn, info: warn, warn, error: warn },
    signal: over.signal,
  });
  return { clock, over, written, warnings, scene, writer };
}

describe('a record writer', () => {
  it('writes at once, and has nothing to flush before and after', async () => {
    const { writer, written } = begin();
    await writer.flush();
    writer.write({ status: 'running' });
    await writer.flush();
    expect(written).toEqual([{ status: 'running' }]);
    await writer.flush();
  });

  it('makes one write of all that comes while one is under way, the newest value of each field', async () => {
    const { writer, written, scene } = begin();
    const gate = Promise.withResolvers<void>();
    scene.hold = gate.promise;
    writer.write({ status: 'starting' });
    writer.write({ status: 'running', restarts: 1 });
    writer.write({ status: 'degraded' });
    writer.write({ version: '1.0.0' });
    gate.resolve();
    await writer.flush();
    expect(written).toEqual([{ status: 'starting' }, { status: 'degraded', restarts: 1, version: '1.0.0' }]);
  });

  it('keeps what could not be written, and what is newer goes over it', async () => {
    const { writer, written, warnings, scene, clock } = begin();
    scene.isAway = true;
    writer.write({ status: 'running', restarts: 1 });
    await clock.settle();
    writer.write({ status: 'degraded' });
    await clock.advance(10_000);
    expect(written).toEqual([]);
    expect(warnings).toHaveLength(11);
    scene.isAway = false;
    const flushed = writer.flush();
    await clock.advance(1_000);
    await flushed;
    expect(written).toEqual([{ status: 'degraded', restarts: 1 }]);
    expect(clock.sleeping).toBe(0);
  });

  it('gives up when this process ends, and then nobody waits for it', async () => {
    const { writer, scene, clock, over, written } = begin();
    scene.isAway = true;
    writer.write({ status: 'running' });
    await clock.settle();
    const flushed = writer.flush();
    over.abort();
    await flushed;
    writer.write({ status: 'stopped' });
    await writer.flush();
    expect([written, clock.sleeping]).toEqual([[], 0]);
  });
});
