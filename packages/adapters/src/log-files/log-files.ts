// The log archive in files: JSON lines, two files per deployment, one write at a time.
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AppError,
  deploymentNotFound,
  serviceUnavailable,
  type LogArchive,
  type Logger,
  type LogLine,
} from '@insightloop/core';
import { createLineQueue, type LineQueue } from './line-queue.ts';
import { readTail } from './read-tail.ts';
import { writeLines, type RotatingFile } from './write-lines.ts';

export interface LogFilesOptions {
  /** Is made, or made ours alone. */
  folder: string;
  logger: Logger;
  /** Of each of the two files of a deployment. */
  maxFileBytes?: number;
  /** Of lines of one deployment that wait for the disk; what comes beyond is left out and counted. */
  maxWaitingBytes?: number;
}

/** Lines are not synced one by one: a crash of ours loses those that wait, one of the machine some more. */
export interface LogFiles extends LogArchive {
  /** Writes what waits. What is appended afterwards is not kept. */
  close(): Promise<void>;
}

/** As ours are. Nothing in it can climb out of the folder, or be the name of another deployment's second file. */
const deploymentId = /^[a-z0-9][a-z0-9-]{0,99}$/;

/** @throws AppError SERVICE_UNAVAILABLE when the folder cannot be used */
export async function openLogFiles(options: LogFilesOptions): Promise<LogFiles> {
  const { folder, logger, maxFileBytes = 5_000_000, maxWaitingBytes = 1024 * 1024 } = options;
  await makePrivate(folder);
  const queues = new Map<string, LineQueue>();
  let closed = false;
  let writing = false;
  /** Whose last write failed: told once, not once a line. */
  const troubled = new Set<string>();
  let lastTurn: Promise<unknown> = Promise.resolve();

  /** One thing at a time: nothing is read while it is moved, and a flood takes one thread of the pool, not all. */
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = lastTurn.then(task);
    lastTurn = turn.catch(() => undefined);
    return turn;
  };

  const filesOf = (id: string): RotatingFile => {
    if (!deploymentId.test(id)) throw deploymentNotFound({ deployment_id: id });
    return {
      path: join(folder, `${id}.jsonl`),
      fullPath: join(folder, `${id}.1.jsonl`),
      maxBytes: maxFileBytes,
    };
  };

  const writeWaiting = async (id: string): Promise<void> => {
    const queue = queues.get(id);
    if (!queue) return;
    const batch = queue.take();
    try {
      await writeLines(filesOf(id), batch.lines);
      if (queue.empty) queues.delete(id);
      troubled.delete(id);
    } catch (cause) {
      queue.giveBack(batch);
      if (!troubled.has(id)) logger.error({ err: cause, deployment_id: id }, 'log lines cannot be written');
      troubled.add(id);
    }
  };

  const writeAll = async (): Promise<void> => {
    for (const id of [...queues.keys()]) await writeWaiting(id);
    // What has come meanwhile has its turn behind those who wait to read. After a failure the next line tries again.
    writing = [...queues.keys()].some((id) => !troubled.has(id));
    if (writing) void inTurn(writeAll);
  };

  return {
    append(id, lines) {
      let queue = queues.get(id);
      // Refuses what is no id of ours, once and not for each of many thousand lines.
      if (!queue) filesOf(id);
      if (closed || lines.length === 0) return;
      if (!queue) queues.set(id, (queue = createLineQueue(maxWaitingBytes)));
      for (const line of lines) queue.push(line);
      if (!writing) void inTurn(writeAll);
      writing = true;
    },
    tail(id, count) {
      const { path, fullPath } = filesOf(id);
      return inTurn(async () => {
        await writeWaiting(id);
        return await readTail([path, fullPath], count).catch((cause: unknown): LogLine[] => {
          throw serviceUnavailable(`The log of ${id} cannot be read at present.`, 10, cause);
        });
      });
    },
    remove(id) {
      const { path, fullPath } = filesOf(id);
      return inTurn(async () => {
        queues.delete(id);
        troubled.delete(id);
        await rm(path, { force: true });
        await rm(fullPath, { force: true });
      });
    },
    async close() {
      closed = true;
      await inTurn(async () => {
        for (const id of [...queues.keys()]) await writeWaiting(id);
      });
    },
  };
}

async function makePrivate(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  } catch (cause) {
    throw new AppError(
      'SERVICE_UNAVAILABLE',
      `The folder for logs, ${folder}, cannot be used: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        'Choose another data directory with INSIGHTLOOP_DATA_DIR.',
      { cause, infrastructure: true },
    );
  }
}
