// The process in a sandbox, from our side: started through all that takes rights away from it.
import { deploymentFailed } from '@insightloop/core';
import { sendSignal } from './proc-files.ts';
import { descendantsOf, readProcessTable } from './proc-table.ts';
import type { PreparedCommand } from './sandbox-command.ts';
import { enterCommand, execWord, joining, missingWord, plainCommand, type Owner } from './sandbox-scripts.ts';
import { complaintsOf, firstLine, spawnPiped, type Piped } from './sandbox-spawn.ts';
import { drained, settlesWithin } from './sandbox-wait.ts';
import type { Walls } from './sandbox-walls.ts';

export type { Piped } from './sandbox-spawn.ts';

export interface ServerRequest extends PreparedCommand {
  procsFiles: readonly string[];
  walls: Walls;
  owner: Owner;
  keeperPid: number | null;
  /** As the sandbox sees it. */
  filterFile: string;
  resourceOptions: readonly string[];
}

interface StartOptions {
  signal: AbortSignal;
  /** Takes what is to be undone. */
  made: AsyncDisposableStack;
}

/** For a pipe whose writers are dead. */
const drainTimeoutMs = 1000;

/**
 * Resolves when the command runs in the place of the last script: the walls stand, and not one instruction of it was
 * executed outside of them.
 * @throws AppError DEPLOYMENT_FAILED when there is no such program
 */
export const startServer = async (request: ServerRequest, { signal, made }: StartOptions): Promise<Piped> => {
  const { command, workingFolder, walls, owner, keeperPid } = request;
  const variables = Object.keys(request.variables).length;
  const line =
    walls.kind === 'none'
      ? plainCommand({ workingFolder, variables, command })
      : enterCommand({
          owner,
          keeperPid,
          sealUserNamespaces: walls.sealUserNamespaces,
          filter: walls.filter === null ? null : { method: walls.filter, file: request.filterFile },
          limits: request.resourceOptions,
          workingFolder,
          variables,
          command,
        });
  const server = await spawnPiped({
    command: joining(request.procsFiles, line),
    environment: request.variables,
  });
  made.defer(() => endServer(server, walls));
  const word = await firstLine(server, signal);
  if (word === execWord) {
    server.control.destroy();
    return server;
  }
  if (word === missingWord)
    throw deploymentFailed(
      `"${command[0] ?? ''}" cannot be started: in the sandbox there is no such program, or it may not be run.`,
      { program: command[0] },
    );
  const complaints = complaintsOf(server.stderr);
  await settlesWithin(drained(server.stderr), drainTimeoutMs);
  const { code, signal: endedBy } = await server.exit;
  throw new Error(complaints() || `the way into the sandbox ended with ${endedBy ?? `status ${code ?? 0}`}`);
};

/** Where no keeper ends the tree, as far as it can be found: what has left its group and its parents is not. */
const endServer = async (server: Piped, walls: Walls): Promise<void> => {
  const { pid } = server.child;
  if (walls.kind === 'none' && pid !== undefined) {
    const tree = descendantsOf(await readProcessTable(), [pid]);
    // As long as the server is not reaped its pid, and with it its group, is nobody else's.
    if (server.child.exitCode === null && server.child.signalCode === null) sendSignal(-pid, 'SIGKILL');
    for (const each of tree) sendSignal(each, 'SIGKILL');
  }
  server.child.kill('SIGKILL');
  await server.exit;
};

const pollMs = 50;

/**
 * nsenter, the parent of a process in namespaces, stops itself when that stops, and then sees no end of it: it must
 * go on for the end to be told. Resolves when it was.
 */
export const awaitEnd = async (server: Piped): Promise<void> => {
  do server.child.kill('SIGCONT');
  while (!(await settlesWithin(server.exit, pollMs)));
};
