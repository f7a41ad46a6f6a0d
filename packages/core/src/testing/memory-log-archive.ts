// A log archive in memory.
import type { LogArchive } from '../telemetry/log-archive.ts';
import type { LogLine } from '../telemetry/log-line.ts';

export class MemoryLogArchive implements LogArchive {
  readonly #lines = new Map<string, LogLine[]>();

  append(deploymentId: string, lines: readonly LogLine[]): void {
    const known = this.#lines.get(deploymentId);
    if (known) known.push(...lines);
    else this.#lines.set(deploymentId, [...lines]);
  }

  tail(deploymentId: string, count: number): Promise<LogLine[]> {
    return Promise.resolve(count > 0 ? (this.#lines.get(deploymentId)?.slice(-count) ?? []) : []);
  }

  remove(deploymentId: string): Promise<void> {
    this.#lines.delete(deploymentId);
    return Promise.resolve();
  }
}
