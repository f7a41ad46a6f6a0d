// Metric samples: the figures of each running server, told while somebody watches them and not measured otherwise.
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Observation } from './observation.ts';
import { isServing } from './status.ts';
import type { Supervisor } from './supervisor.ts';

const intervalMs = 2_000;

export interface MetricSamplesPorts {
  supervisor: Pick<Supervisor, 'live'>;
  observation: Pick<Observation, 'metrics'>;
  eventLog: Pick<EventLog, 'append' | 'isWatched'>;
  clock: Clock;
  logger: Logger;
}

/** Goes on until the signal aborts; never rejects. */
export async function tellMetrics(ports: MetricSamplesPorts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const slept = await ports.clock.sleep(intervalMs, signal).then(
      () => true,
      () => false,
    );
    if (slept && ports.eventLog.isWatched('metrics')) await sampleAll(ports);
  }
}

async function sampleAll(ports: MetricSamplesPorts): Promise<void> {
  const { supervisor, observation, eventLog, clock, logger } = ports;
  const serving = supervisor.live().filter(({ life }) => isServing(life.status));
  await Promise.all(
    serving.map(async ({ record: { server_id, id } }) => {
      try {
        const { metrics } = await observation.metrics(server_id);
        eventLog.append({
          type: 'metrics',
          channel: 'metrics',
          timestamp: new Date(clock.now()),
          server_id,
          deployment_id: id,
          metrics,
        });
      } catch (error) {
        // It has just ended: its status says so, and there is nothing to measure any more.
        logger.debug({ deployment_id: id, err: error }, 'a deployment could not be sampled');
      }
    }),
  );
}
