// The stream on which a client hears that a list of its server has changed, across restarts of the server.
import type { ChannelInfo, McpChannel } from '@insightloop/core';
import { announcesChanges, changingLists } from '../change-subscription.ts';
import { Bell } from './bell.ts';
import { keepAliveFrame, keepAliveMs } from './exchange.ts';

export interface ChangeStreamOptions {
  channel: McpChannel;
  /** Waits for the channel that replaces a closed one; throws when there will be none. */
  reopen(): Promise<McpChannel>;
  signal: AbortSignal;
  /** The methods of the notifications that this client wants. */
  wanted: ReadonlySet<string>;
  frameOf(method: string): string;
  /** Said before anything else. */
  greeting?: string;
  /** Said when the stream ends on our side. */
  farewell?: string;
}

/** The notifications that a server can send of itself. */
export const announcedChanges = ({ capabilities }: ChannelInfo): string[] =>
  changingLists
    .filter(({ capability }) => announcesChanges(capabilities, capability))
    .map(({ changed }) => changed);

/** A change says only which list to read again, so a reader who is slow has at most one of each kind before it. */
export async function* changeStream(options: ChangeStreamOptions): AsyncGenerator<string> {
  const { signal, wanted, frameOf, greeting = keepAliveFrame, farewell } = options;
  const changed = new Set<string>();
  const bell = new Bell();
  const ring = (): void => bell.ring();
  const gone = (): boolean => signal.aborted;
  const first = [greeting];
  signal.addEventListener('abort', ring);
  try {
    for (let channel: McpChannel | null = options.channel; channel !== null && !gone();) {
      yield* changesOf(channel, { first, changed, bell, wanted, frameOf, gone });
      if (gone()) break;
      channel = await options.reopen().catch(() => null);
      // Another process: what its lists hold is not known to be the same.
      for (const method of channel === null ? [] : announcedChanges(channel.info)) {
        if (wanted.has(method)) changed.add(method);
      }
    }
    if (farewell !== undefined) yield farewell;
  } finally {
    signal.removeEventListener('abort', ring);
  }
}

interface Listening extends Pick<ChangeStreamOptions, 'wanted' | 'frameOf'> {
  /** Said once we listen, so that nothing that happens after it is missed. */
  first: string[];
  gone(): boolean;
  changed: Set<string>;
  bell: Bell;
}

/** Until the channel closes or nobody listens any more. */
async function* changesOf(channel: McpChannel, listening: Listening): AsyncGenerator<string> {
  const { first, changed, bell, wanted, frameOf, gone } = listening;
  const served = { over: false };
  void channel.closed.then(() => {
    served.over = true;
    bell.ring();
  });
  const leave = channel.onNotification(({ method }) => {
    if (!wanted.has(method)) return;
    changed.add(method);
    bell.ring();
  });
  try {
    yield* first.splice(0);
    while (!gone()) {
      for (const method of [...changed]) {
        changed.delete(method);
        yield frameOf(method);
      }
      if (served.over) return;
      if ((await bell.wait(keepAliveMs)) === 'quiet') yield keepAliveFrame;
    }
  } finally {
    leave();
  }
}
