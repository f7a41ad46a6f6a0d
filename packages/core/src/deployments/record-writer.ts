// Writes what changes on a running deployment to the store, in order, and does not forget it while the store is away.
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { StoredDeployment } from './deployment.ts';
import type { DeploymentStore } from './deployment-store.ts';

type Changes = Partial<Omit<StoredDeployment, 'id'>>;

export interface RecordWriter {
  /** Never waits: what is running goes on, whatever the store does. */
  write(changes: Changes): void;
  /** Resolves when everything is stored, or the signal has aborted. */
  flush(): Promise<void>;
}

const retryMs = 1_000;

export interface RecordWriterPorts {
  store: DeploymentStore;
  clock: Clock;
  logger: Logger;
  /** Aborts when there is no use in trying any longer: this process ends. */
  signal: AbortSignal;
}

/** Changes that come while one is being written become one write: a newer value of a field is all that counts. */
export function createRecordWriter(
  id: string,
  { store, clock, logger, signal }: RecordWriterPorts,
): RecordWriter {
  let unsaved: Changes | null = null;
  let writing: Promise<void> | null = null;

  const save = async (): Promise<void> => {
    while (unsaved !== null && !signal.aborted) {
      const changes: Changes = unsaved;
      unsaved = null;
      try {
        await store.update(id, changes);
      } catch (cause) {
        unsaved = { ...changes, ...(unsaved as Changes | null) };
        logger.warn(
          { deployment_id: id, err: cause },
          'the state of a deployment could not be stored; trying again',
        );
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
    writing = null;
  };

  return {
    write(changes) {
      unsaved = { ...unsaved, ...changes };
      writing ??= save();
    },
    flush: () => writing ?? Promise.resolve(),
  };
}
