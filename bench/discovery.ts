// Scores the inference of launch recipes on a folder of repositories with a known truth, and measures how long it takes.
//
//   npm run bench:discovery -- <folder>
//   npm run bench:discovery -- <folder> --api    what the whole service answers, with a stand-in for GitHub over the folder
//
// One folder for each repository: its files, `meta.json` (facts about it) and `truth.json` (what a careful reader concludes).
import { inferLaunch, filesToRead, type Inference, type InferenceInput } from '@insightloop/core';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { inferencesThroughApi } from './support/discovery-api.ts';
import { ratio, type Score, scoreOf, type Share, sumOf } from './support/discovery-score.ts';
import { type Truth, truthSchema } from './support/discovery-truth.ts';
import { judge, machineLine, median, printTable } from './support/report.ts';

const metaSchema = z.object({
  full_name: z.string().optional(),
  description: z.string().nullish(),
  topics: z.array(z.string()).optional(),
  archived: z.boolean().optional(),
  fork: z.boolean().optional(),
});

interface Subject {
  truth: Truth;
  input: InferenceInput;
  bytes: number;
}

function readSubject(folder: string): Subject {
  const truth = truthSchema.parse(JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')));
  const meta = existsSync(join(folder, 'meta.json'))
    ? metaSchema.parse(JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')))
    : {};
  const listing = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => path !== 'truth.json' && path !== 'meta.json');
  // The same choice as on the API: what a caller would not fetch, the bench does not read.
  const files = new Map(filesToRead(listing).map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  return {
    truth,
    bytes: [...files.values()].reduce((total, text) => total + text.length, 0),
    input: { repository: { ...meta, full_name: meta.full_name ?? truth.full_name }, files },
  };
}

/** The median of five, after one that compiles. */
function timed(input: InferenceInput): { inference: Inference; ms: number } {
  const inference = inferLaunch(input);
  const times = Array.from({ length: 5 }, () => {
    const beginMs = performance.now();
    inferLaunch(input);
    return performance.now() - beginMs;
  });
  return { inference, ms: median(times) };
}

const hostileReadmes: Readonly<Record<string, string>> = {
  'nested braces': '{"a":'.repeat(1_048_576),
  'nested braces in a block': `\`\`\`json\n${'{"mcpServers":{'.repeat(350_000)}\n\`\`\`\n`,
  'one line': 'npx -y a-server '.repeat(327_680),
  'one line of backticks': '`npx a` '.repeat(655_360),
  'many small blocks': '```json\n{"mcpServers":{"a":{"command":"npx","args":["x"]}}}\n```\n'.repeat(80_000),
  'a wide table': '| `A_TOKEN` | yes '.repeat(290_000),
  'open quotes': `\`\`\`sh\n${'docker run -e "A='.repeat(300_000)}\n\`\`\`\n`,
  'tags and brackets': '<a [b](<c '.repeat(520_000),
  'short lines': 'x\n'.repeat(2_600_000),
};

function hostileTimes(): Record<string, number> {
  return Object.fromEntries(
    Object.entries(hostileReadmes).map(([name, readme]) => {
      const input = {
        repository: { full_name: 'somebody/some-server' },
        files: new Map([['README.md', readme]]),
      };
      const beginMs = performance.now();
      inferLaunch(input);
      return [name, performance.now() - beginMs];
    }),
  );
}

const percent = (share: Share): string =>
  `${share.right} of ${share.of} (${(100 * ratio(share)).toFixed(1)} %)`;

const throughApi = process.argv.includes('--api');
const [folder] = process.argv.slice(2).filter((argument) => argument !== '--api');
if (folder === undefined) {
  console.error('Say which folder: npm run bench:discovery -- <folder>');
  process.exit(2);
}
// npm runs us in the project's root and keeps where the person was.
const root = resolve(process.env['INIT_CWD'] ?? process.cwd(), folder);
const subjects = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'truth.json')))
  .map((entry) => readSubject(join(root, entry.name)))
  .sort((a, b) => a.truth.full_name.localeCompare(b.truth.full_name));
if (subjects.length === 0) {
  console.error(`${root} has no folder with a truth.json.`);
  process.exit(2);
}

const answers = throughApi ? await inferencesThroughApi(root) : null;
const results = subjects.map(({ truth, input, bytes }) => {
  const answer = answers?.get(truth.full_name);
  if (answers && !answer) throw new Error(`the service does not list ${truth.full_name}`);
  const { inference, ms } = answer ?? timed(input);
  return { truth, inference, ms, bytes, score: scoreOf(truth, inference) };
});
const servers = results.filter(({ truth }) => truth.is_server);
const lookAlikes = results.filter(({ truth }) => !truth.is_server);

console.log(`${machineLine()}\n${servers.length} servers and ${lookAlikes.length} look-alikes in ${root}\n`);
for (const { truth, score, ms } of results) {
  const isRight = truth.is_server ? score.top : !score.lookAlikeDeployable;
  console.log(
    `${isRight ? 'right ' : 'WRONG '} ${truth.full_name.padEnd(45)} ${ms.toFixed(1).padStart(6)} ms  ${score.misses.join('; ')}`,
  );
}

const total = (of: (score: Score) => Share): Share => sumOf(servers.map(({ score }) => of(score)));
const topRight = servers.filter(({ score }) => score.top).length;
const recall = total((score) => score.requiredRecall);
const precision = total((score) => score.requiredPrecision);
const secrets = total((score) => score.secrets);
const violations = results.flatMap(({ score }) => score.mustNot);
const deployable = lookAlikes.filter(({ score }) => score.lookAlikeDeployable);
printTable({
  'right at the top': { found: percent({ right: topRight, of: servers.length }) },
  'some right recipe': {
    found: percent({ right: servers.filter(({ score }) => score.any).length, of: servers.length }),
  },
  'arguments of the top recipe': { found: percent(total((score) => score.args)) },
  'required variables, recall': { found: percent(recall) },
  'required variables, precision': { found: percent(precision) },
  'alternative sets': { found: percent(total((score) => score.alternatives)) },
  'secrets marked': { found: percent(secrets) },
  transports: { found: percent(total((score) => score.transports)) },
  ports: { found: percent(total((score) => score.port)) },
  'documented tools': { found: percent(total((score) => score.tools)) },
  'kind of all': {
    found: percent({ right: results.filter(({ score }) => score.kind).length, of: results.length }),
  },
});

const times = results.map(({ ms }) => ms);
const largest = results.reduce((a, b) => (a.bytes > b.bytes ? a : b));
const hostile = hostileTimes();
printTable({
  'median of all': { ms: Number(median(times).toFixed(2)) },
  slowest: { ms: Number(Math.max(...times).toFixed(2)) },
  [`largest, ${Math.round(largest.bytes / 1024)} KiB`]: { ms: Number(largest.ms.toFixed(2)) },
  ...Object.fromEntries(
    Object.entries(hostile).map(([name, ms]) => [`5 MB: ${name}`, { ms: Math.round(ms) }]),
  ),
});

// 28 of 30; for another folder the same share.
const leastTop = Math.floor((servers.length * 28) / 30);
judge(
  `at least ${leastTop} of ${servers.length} servers right at the top: ${topRight}`,
  topRight >= leastTop,
);
judge(`required variables, recall at least 0.95: ${ratio(recall).toFixed(3)}`, ratio(recall) >= 0.95);
judge(`required variables, precision at least 0.9: ${ratio(precision).toFixed(3)}`, ratio(precision) >= 0.9);
judge(`every secret marked: ${percent(secrets)}`, secrets.right === secrets.of);
judge(`nothing that must not be said: ${violations.length}`, violations.length === 0);
judge(`no look-alike deployable: ${deployable.length}`, deployable.length === 0);
if (!throughApi) {
  judge(`median under 10 ms: ${median(times).toFixed(1)} ms`, median(times) < 10);
  judge(`largest under 100 ms: ${Math.max(...times).toFixed(1)} ms`, Math.max(...times) < 100);
}
judge(
  `5 MB of anything under a second: ${Math.round(Math.max(...Object.values(hostile)))} ms`,
  Object.values(hostile).every((ms) => ms < 1000),
);
