// Measures the REST door: a trivial validated GET through the whole application, against a plain Fastify route.
//
//   node bench/rest.ts [seconds per round] [rounds]
import autocannon from 'autocannon';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { judge, machineLine, median, printTable } from './support/report.ts';
import type { Subjects } from './support/rest-subjects.ts';

const duration = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 7);
const connections = 32;

const names = {
  plain: 'plain route',
  validated: 'plain route, zod in and out',
  rest: 'REST door, whole application',
} satisfies Record<keyof Subjects, string>;

interface Round {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Of the server alone: less shaken by what else the machine does than requests per second are. */
  cpuMicros: number;
}

const child = fork(fileURLToPath(new URL('./support/rest-subjects.ts', import.meta.url)));
try {
  const [ports] = (await once(child, 'message')) as [Subjects];
  const cpuMicros = async (): Promise<number> => {
    child.send('cpu');
    const [micros] = (await once(child, 'message')) as [number];
    return micros;
  };
  const measure = async (subject: keyof Subjects, seconds = duration): Promise<Round> => {
    const before = await cpuMicros();
    const url = `http://127.0.0.1:${ports[subject]}/api/servers?limit=20`;
    const result = await autocannon({ url, connections, duration: seconds });
    if (result.non2xx > 0 || result.errors > 0) throw new Error(`${subject} did not answer every request`);
    const micros = (await cpuMicros()) - before;
    return {
      perSecond: result.requests.average,
      p50Ms: result.latency.p50,
      p99Ms: result.latency.p99,
      cpuMicros: micros / result.requests.total,
    };
  };
  const subjects = Object.keys(names) as (keyof Subjects)[];
  for (const subject of subjects) await measure(subject, 2);

  // In turns, and compared within each turn: what else the machine does falls on all of them.
  const results: Record<keyof Subjects, Round[]> = { plain: [], validated: [], rest: [] };
  for (let round = 0; round < rounds; round += 1)
    for (const subject of subjects) results[subject].push(await measure(subject));

  const ratioTo = (base: keyof Subjects, subject: keyof Subjects): number =>
    median(
      results[subject].map(
        ({ perSecond }, round) => perSecond / (results[base][round]?.perSecond ?? Infinity),
      ),
    );
  const of = (subject: keyof Subjects, figure: keyof Round): number =>
    median(results[subject].map((round) => round[figure]));

  console.log(`${machineLine()}\n${connections} connections, median of ${rounds} rounds of ${duration} s`);
  printTable(
    Object.fromEntries(
      subjects.map((subject) => [
        names[subject],
        {
          'requests/s': Math.round(of(subject, 'perSecond')),
          'p50 ms': of(subject, 'p50Ms'),
          'p99 ms': of(subject, 'p99Ms'),
          'CPU µs/request': Math.round(of(subject, 'cpuMicros')),
          'to plain': ratioTo('plain', subject).toFixed(2),
          'to plain with zod': ratioTo('validated', subject).toFixed(2),
        },
      ]),
    ),
  );
  const ratio = ratioTo('plain', 'rest');
  judge(`the REST door serves at ≥ 0.5 of a plain route: ${ratio.toFixed(2)}`, ratio >= 0.5);
} finally {
  child.kill();
}
