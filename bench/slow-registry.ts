// Deploys a package whose tarball the npm registry holds back, for 90 s unless told otherwise.
//
//   node bench/slow-registry.ts [seconds]
import { NpmRegistry } from '../tests/support/npm-registry.ts';
import { publishTestPackage } from '../tests/support/test-packages.ts';
import { startApi } from './support/api-process.ts';
import { judge, machineLine } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 90);

const registry = await NpmRegistry.start();
await publishTestPackage(registry, 'ill-behaved-package');
registry.breakWith('ill-behaved-package.tgz', { kind: 'delay', delayMs: seconds * 1000 });
const api = await startApi({ npm_config_registry: registry.url });
try {
  console.log(machineLine());
  const launch = [{ method: 'npx', identifier: 'ill-behaved-package' }];
  await api.ask('POST', '/api/servers', { id: 'late', name: 'late', launch });
  const begin = performance.now();
  const outcome = await api.ask('POST', '/api/deploy/late').then(
    () => 'running',
    (error: unknown) => String(error),
  );
  const took = (performance.now() - begin) / 1000;
  judge(
    `a tarball that is held for ${seconds} s deploys: ${outcome}, after ${took.toFixed(1)} s`,
    outcome === 'running' && took >= seconds,
  );
} finally {
  await api.stop();
  await registry.close();
}
