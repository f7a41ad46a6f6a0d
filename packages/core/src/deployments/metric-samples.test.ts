// Metric samples: told while somebody watches, and nothing is measured otherwise.
import { expect, it } from 'vitest';
import { deployRequest, openDeploymentSite } from '../testing/deployment-site.ts';
import type { AppEvent } from '../telemetry/event.ts';
import { tellMetrics } from './metric-samples.ts';

it('are told of each running server while somebody watches, and end with the signal', async () => {
  const { clock, supervisor, observation, addServer, deployments } = openDeploymentSite();
  for (const id of ['one', 'two']) {
    await addServer(id);
    await deployments.create(deployRequest(id));
  }
  let watched = false;
  let measured = 0;
  const told: AppEvent[] = [];
  const over = new AbortController();
  const sleeping = clock.sleeping;
  const telling = tellMetrics(
    {
      supervisor,
      observation: {
        metrics: (serverId) => {
          measured += 1;
          return serverId === 'two' ? Promise.reject(new Error('gone')) : observation.metrics(serverId);
        },
      },
      eventLog: { append: (event) => void told.push(event), isWatched: () => watched },
      clock,
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    },
    over.signal,
  );
  await clock.advance(10_000);
  expect(measured).toBe(0);
  watched = true;
  await clock.advance(4_000);
  expect(measured).toBe(4);
  expect(told).toHaveLength(2);
  expect(told[0]).toMatchObject({
    type: 'metrics',
    channel: 'metrics',
    server_id: 'one',
    metrics: { requests_total: 0, memory: { used: 50_000_000 } },
  });
  over.abort();
  await telling;
  expect(clock.sleeping).toBe(sleeping);
});
