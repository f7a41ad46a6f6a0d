// Which Node is good enough, what is fetched where it is not, and where nothing can be fetched.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isNewEnough, neededPackages, readPins } from './toolchain.mjs';

const pins = { node: '24.1.0', pnpm: '12.1.0' };
const machine = (changes) => ({
  version: 'v20.20.2',
  platform: 'linux',
  arch: 'x64',
  musl: false,
  ...changes,
});

describe('a Node', () => {
  it.each(['v22.18.0', 'v22.20.1', 'v24.0.0', 'v26.3.0'])('is used when it is %s', (version) => {
    expect(isNewEnough(version)).toBe(true);
    expect(neededPackages(machine({ version, platform: 'sunos', musl: true }), pins)).toEqual({
      packages: { pnpm: '12.1.0' },
    });
  });

  it.each(['v18.20.0', 'v20.20.2', 'v21.18.0', 'v22.17.9', 'v23.11.0'])(
    'is too old when it is %s',
    (version) => {
      expect(isNewEnough(version)).toBe(false);
    },
  );

  it.each(['x64', 'arm64'])('is fetched for Linux on %s', (arch) => {
    const nodePackage = `node-linux-${arch}`;
    expect(neededPackages(machine({ arch }), pins)).toEqual({
      nodePackage,
      packages: { [nodePackage]: '24.1.0', pnpm: '12.1.0' },
    });
  });

  it.each([
    ['linux-x64 with musl', { musl: true }, /apk add/],
    ['linux-riscv64', { arch: 'riscv64' }, /Install Node 24/],
    ['darwin-arm64', { platform: 'darwin', arch: 'arm64' }, /Install Node 24/],
  ])('is asked for on %s', (where, changes, advice) => {
    expect(() => neededPackages(machine(changes), pins)).toThrow(
      expect.objectContaining({
        message: `This is Node v20.20.2; 22.18 or newer is needed, and npm has no Node for ${where}`,
        advice: expect.stringMatching(advice),
      }),
    );
  });
});

it('reads the exact versions from where the project pins them', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { node, pnpm } = readPins(root);
  expect(isNewEnough(node)).toBe(true);
  expect(readFileSync(`${root}package.json`, 'utf8')).toContain(`"pnpm@${pnpm}"`);
});
