// Measures one server that logs 20,000 lines/s: what other answers take meanwhile, what readers see, and what grows.
//
//   node bench/log-flood.ts [seconds] [lines per second]
import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { NpmRegistry } from '../tests/support/npm-registry.ts';
import { startApi } from './support/api-process.ts';
import { percentile } from './support/live-readers.ts';
import { followLines } from './support/log-follower.ts';
import { judge, machineLine, printTable } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 30);
const perSecond = Number(process.argv[3] ?? 20_000);

const registry = await NpmRegistry.start();
registry.publish({
  manifest: { name: 'flood', version: '1.0.0', type: 'module', bin: 'server.mjs' },
  files: {
    'server.mjs': `#!/usr/bin/env node
import { serve } from './protocol.mjs';
let told = 0;
const begun = Date.now();
setInterval(() => {
  const due = Math.floor((Date.now() - begun) / 1000 * ${perSecond});
  let text = '';
  while (told < due) text += 'request ' + (told += 1) + ' was answered with 200 after some time, as most are\\n';
  if (text) process.stderr.write(text);
}, 20);
serve({ echo: ({ message }) => message });
`,
    'protocol.mjs': await readFile(new URL('../tests/support/plain-mcp-server.mjs', import.meta.url), 'utf8'),
  },
});
const api = await startApi({ npm_config_registry: registry.url });

try {
  await api.ask('POST', '/api/servers', {
    id: 'flood',
    name: 'flood',
    launch: [{ method: 'npx', identifier: 'flood' }],
  });
  await api.ask('POST', '/api/deploy/flood', {});
  const readers = {
    'events of logs': await followLines(`${api.url}/api/events/logs`),
    'logs of the server': await followLines(`${api.url}/api/servers/flood/logs?follow=true&lines=0`),
  };
  await sleep(5_000);
  const before = await api.footprint();
  const times: number[] = [];
  const memory: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const begin = performance.now();
    await api.ask('GET', times.length % 2 === 0 ? '/api/servers' : '/api/servers/running');
    times.push(performance.now() - begin);
    await sleep(10);
    if (times.length % 100 === 0) memory.push((await api.footprint()).residentBytes);
  }
  const after = await api.footprint();
  const figures = await Promise.all(
    Object.entries(readers).map(async ([name, reader]) => [name, await reader.leave()] as const),
  );
  const p99 = percentile(times, 0.99);
  const half = memory.slice(Math.floor(memory.length / 2));
  const growth = Math.max(...half) / Math.max(...memory.slice(0, Math.ceil(memory.length / 2)), 1);
  console.log(
    `${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}, ${perSecond} lines/s for ${seconds} s`,
  );
  printTable(Object.fromEntries(figures.map(([name, row]) => [name, { ...row }])));
  printTable({
    'other answers': {
      answers: times.length,
      'p50 ms': percentile(times, 0.5).toFixed(1),
      'p99 ms': p99.toFixed(1),
      'CPU of the service': `${(((after.cpuMs - before.cpuMs) / seconds / 1000) * 100).toFixed(0)} %`,
      'resident MiB': Math.round(after.residentBytes / 1024 ** 2),
      'descriptors more': after.descriptors - before.descriptors,
    },
  });
  judge(`other answers p99 under 50 ms: ${p99.toFixed(1)} ms`, p99 < 50);
  for (const [name, { lines, wrong }] of figures)
    judge(`${name}: in order or an honest gap: ${wrong} of ${lines} are not`, wrong === 0 && lines > 0);
  judge(`memory does not grow: × ${growth.toFixed(2)} from the first half to the second`, growth < 1.1);
} finally {
  await api.stop();
  await registry.close();
}
process.exit();
