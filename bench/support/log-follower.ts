// A process of its own, so that reading is not what is measured: follows lines, each of which has to be the next one
// unless a gap says how many are not there.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';

export interface FollowedFigures {
  lines: number;
  gaps: number;
  missed: number;
  wrong: number;
}

export interface LogFollower {
  leave(): Promise<FollowedFigures>;
}

/** Resolves when the stream stands. */
export async function followLines(url: string): Promise<LogFollower> {
  const child = fork(fileURLToPath(import.meta.url), [url]);
  await once(child, 'message');
  return {
    async leave() {
      const answer = once(child, 'message');
      child.send('leave');
      const [figures] = (await answer) as [FollowedFigures];
      child.disconnect();
      return figures;
    },
  };
}

function follow(url: string): void {
  const figures: FollowedFigures = { lines: 0, gaps: 0, missed: 0, wrong: 0 };
  let last: number | null = null;
  const take = (frame: string): void => {
    const missed = /"type":"gap".*"missed":(\d+)/.exec(frame)?.[1];
    const number = /"number":(\d+)/.exec(frame)?.[1];
    if (missed !== undefined) {
      figures.gaps += 1;
      figures.missed += Number(missed);
      if (last !== null) last += Number(missed);
    } else if (number !== undefined) {
      if (last !== null && Number(number) !== last + 1) figures.wrong += 1;
      last = Number(number);
      figures.lines += 1;
    }
  };
  get(url, (answer) => {
    process.send?.('begun');
    let rest = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => {
      const frames = (rest + chunk).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) take(frame);
    });
  });
  process.once('message', () => process.send?.(figures));
  process.once('disconnect', () => process.exit());
}

const [program, url] = process.argv.slice(1);
if (program === fileURLToPath(import.meta.url) && url !== undefined) follow(url);
