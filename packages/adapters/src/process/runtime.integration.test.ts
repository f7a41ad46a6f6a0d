// The npx runtime with the real npm, real packages of a stand-in registry, and the real sandbox of this machine.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeRuntime, type RuntimeSubject } from '@insightloop/core/testing';
import { openNpxSite, planFor } from './testing/npx-site.ts';

describeRuntime('npx', async (): Promise<RuntimeSubject> => {
  const site = await openNpxSite();
  const { registry, runtimes, sandbox } = site;
  return {
    runtime: runtimes.npx,
    plan: planFor,
    unknown: '@test/nowhere',
    newest: '1.0.0',
    publish() {
      site.publish('1.1.0');
      return Promise.resolve('1.1.0');
    },
    downloads: () => registry.downloads('@test/program'),
    holdDownload: () => registry.hold('@test/program'),
    leftovers: async () => {
      const owned = await sandbox.owned();
      const folders = await readdir(join(site.folder, 'sandboxes')).catch(() => []);
      const runs = await readdir(join(site.folder, 'installs/npx/runs')).catch(() => []);
      return [...owned.map(({ deploymentId }) => deploymentId), ...folders, ...runs];
    },
    end: site.close,
  };
});
