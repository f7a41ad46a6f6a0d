// The packages of tests, which lie beside this file as folders, each published with the protocol that they share.
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { NpmRegistry, PackageManifest } from './npm-registry.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

export interface PackageChanges {
  manifest?: Partial<PackageManifest>;
  /** On top of those of the folder. */
  files?: Record<string, string>;
}

export async function publishTestPackage(
  registry: NpmRegistry,
  folder: 'hostile-package' | 'ill-behaved-package',
  { manifest = {}, files = {} }: PackageChanges = {},
): Promise<void> {
  const own: Record<string, string> = {};
  for (const name of await readdir(join(here, folder)))
    own[name] = await readFile(join(here, folder, name), 'utf8');
  const { 'package.json': text = '{}', ...rest } = own;
  registry.publish({
    manifest: { ...(JSON.parse(text) as PackageManifest), ...manifest },
    files: { ...rest, 'protocol.mjs': await readFile(join(here, 'plain-mcp-server.mjs'), 'utf8'), ...files },
  });
}
