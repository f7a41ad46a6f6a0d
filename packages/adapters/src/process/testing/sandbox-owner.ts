// A process of its own that has sandboxes: for tests that kill it, or that need another user than ours.
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { peerUid } from '../peer-uid.ts';
import { createProcessSandbox } from '../sandbox.ts';
import { firstLineOf, nodeCommand, ordinaryLimits } from './sandbox-site.ts';

const plan = z.object({
  folder: z.string(),
  lockFolder: z.string(),
  instanceId: z.string(),
  without: z.array(z.enum(['namespaces', 'uid', 'image', 'cgroups'])),
  /** Modes of the test's program, with their arguments. "dial" is given the port of a server of ours. */
  programs: z.array(z.array(z.string())),
  /** Until it is killed; else each program is stopped, and how it ended is said. */
  stay: z.boolean(),
  memoryBytes: z.number().default(ordinaryLimits.memoryBytes),
});
export type OwnerPlan = z.input<typeof plan>;

const say = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

const { folder, lockFolder, instanceId, without, programs, stay, memoryBytes } = plan.parse(
  JSON.parse(process.argv[2] ?? ''),
);
const sandbox = createProcessSandbox({
  folder,
  lockFolder,
  instanceId,
  without,
  logger: { warn: (fields, message) => say({ warning: message, fields }) },
});

const answered = Promise.withResolvers<void>();
/** Says whose each connection is. */
const door = createServer((socket) => {
  socket.on('error', () => undefined);
  void (async () => {
    const peer = await peerUid(socket);
    const owned = typeof peer === 'object' && (await sandbox.ownsSocket(peer.inode));
    say({ peer: typeof peer === 'object' ? peer.uid : peer, owned });
    answered.resolve();
  })();
});
await new Promise<void>((accept) => door.listen(0, '127.0.0.1', accept));
const { port } = door.address() as AddressInfo;

say(await sandbox.available());
for (const [index, [mode = '', ...args]] of programs.entries()) {
  const child = await sandbox.start(
    {
      deploymentId: `deploy-${index}`,
      ...nodeCommand(mode, ...(mode === 'dial' ? [String(port)] : []), ...args),
      environment: {},
      limits: { ...ordinaryLimits, memoryBytes },
      mounts: [],
      allowUnisolated: true,
    },
    new AbortController().signal,
  );
  const line = await firstLineOf(child.stdout);
  say({ record: child.record, line });
  if (stay) continue;
  const complaint = text(child.stderr);
  if (mode === 'dial') await answered.promise;
  if (!mode.startsWith('hog')) await child.stop(200);
  say({ exit: await child.exited, complaint: await complaint, owned: await sandbox.owned() });
}
if (!stay) door.close();
