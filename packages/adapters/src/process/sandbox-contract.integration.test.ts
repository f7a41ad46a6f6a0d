// The real sandbox passes the contract behind each kind of walls that this machine can build.
import { afterAll } from 'vitest';
import type { IsolationLevel } from '@insightloop/core';
import { describeSandbox, type SandboxProgram } from '@insightloop/core/testing';
import type { Without } from './sandbox-detect.ts';
import { nodeCommand, openSandboxSite, type SandboxSite } from './testing/sandbox-site.ts';

const commands: Record<SandboxProgram, string[]> = {
  echo: ['/bin/cat'],
  fail: ['/bin/sh', '-c', 'echo last words >&2; exit 3'],
  suicide: ['/bin/sh', '-c', 'kill -KILL $$'],
  polite: nodeCommand('polite').command,
  stubborn: nodeCommand('stubborn').command,
  missing: ['/usr/bin/no-such-program'],
};

const kinds: { name: string; without: Without; isolation: IsolationLevel }[] = [
  { name: 'the best of this machine', without: [], isolation: 'user' },
  { name: 'namespaces without cgroups and images', without: ['cgroups', 'image'], isolation: 'user' },
  { name: 'a uid of its own alone', without: ['namespaces'], isolation: 'user' },
  { name: 'a uid of its own alone, without cgroups', without: ['namespaces', 'cgroups'], isolation: 'user' },
  { name: 'no walls', without: ['namespaces', 'uid', 'cgroups'], isolation: 'none' },
];

for (const { name, without, isolation } of kinds) {
  let site: SandboxSite | null = null;
  afterAll(() => site?.end());

  describeSandbox(name, async () => {
    site ??= await openSandboxSite({ without });
    const found = await site.sandbox.available();
    if (found.isolation !== isolation) throw new Error(`these are other walls: ${JSON.stringify(found)}`);
    return {
      sandbox: site.sandbox,
      program: (program) => ({ command: commands[program], readOnly: nodeCommand('').readOnly }),
      end: () => undefined,
    };
  });
}
