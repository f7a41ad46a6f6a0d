// Who names a package, and where a package points.
import { describe, expect, it } from 'vitest';
import { type LaunchMethod } from '../launch-recipe.ts';
import { type InferenceInput } from './inference.ts';
import { filesOf, namedBy, ownNames, repositoryOf, sameRepository } from './package-origin.ts';

const namedByRepository = (given: InferenceInput, recipe: { method: LaunchMethod; identifier: string }) =>
  namedBy(ownNames(given, filesOf(given)), recipe);

const input = (files: Record<string, string>, registry: unknown[] = []) => ({
  repository: { full_name: 'some-owner/some-server' },
  files: new Map(Object.entries(files)),
  registry,
});

describe('the repository names the package', () => {
  const npm = { method: 'npx', identifier: '@some/pkg' } as const;

  it('by its manifest, its server.json, or its entry in the registry', () => {
    const document = {
      name: 'io.github.some-owner/some-server',
      packages: [{ registryType: 'npm', identifier: '@some/pkg' }],
    };
    expect(namedByRepository(input({ 'npm/package.json': '{"name": "@some/pkg"}' }), npm)).toMatchObject({
      from: 'npm/package.json',
    });
    expect(namedByRepository(input({ 'server.json': JSON.stringify(document) }), npm)).toMatchObject({
      from: 'server.json',
    });
    expect(namedByRepository(input({}, [{ server: document }]), npm)).toMatchObject({ from: 'registry' });
  });

  it('not by words of its README, nor by a manifest that is private', () => {
    expect(namedByRepository(input({ 'README.md': '```sh\nnpx -y @some/pkg\n```' }), npm)).toBeNull();
    expect(
      namedByRepository(input({ 'package.json': '{"name": "@some/pkg", "private": true}' }), npm),
    ).toBeNull();
  });

  it('not by an entry in somebody else’s namespace, nor by a server.json that speaks of another repository', () => {
    const packages = [{ registryType: 'npm', identifier: '@some/pkg' }];
    expect(namedByRepository(input({}, [{ name: 'io.github.another/x', packages }]), npm)).toBeNull();
    const copied = { name: 'x/y', repository: { url: 'https://github.com/another/original' }, packages };
    expect(namedByRepository(input({ 'server.json': JSON.stringify(copied) }), npm)).toBeNull();
  });

  it('tells registries apart, and knows PyPI’s spellings and images’ tags', () => {
    const pyproject = { 'pyproject.toml': '[project]\nname = "Some_Pkg"\n' };
    expect(namedByRepository(input(pyproject), { method: 'uvx', identifier: 'some-pkg' })).not.toBeNull();
    expect(namedByRepository(input(pyproject), { method: 'npx', identifier: 'some-pkg' })).toBeNull();
    const oci = {
      'server.json': JSON.stringify({
        name: 'a/b',
        packages: [{ registryType: 'oci', identifier: 'docker.io/o/image:1.0' }],
      }),
    };
    expect(namedByRepository(input(oci), { method: 'docker', identifier: 'o/image:2.0' })).not.toBeNull();
  });
});

describe('an address is the repository’s', () => {
  const fullName = 'Some-Owner/some.server';

  it.each([
    'https://github.com/some-owner/some.server',
    'git+https://github.com/some-owner/some.server.git',
    'git://github.com/some-owner/some.server.git',
    'ssh://git@github.com/some-owner/some.server.git',
    'git@github.com:some-owner/some.server.git',
    'github:some-owner/some.server',
    'https://www.github.com/some-owner/some.server/tree/main/packages/a',
    'https://github.com/some-owner/some.server#readme',
  ])('%s', (address) => {
    expect(sameRepository(address, fullName)).toBe(true);
  });

  it.each([
    'https://github.com/some-owner/another',
    'https://github.com.evil.io/some-owner/some.server',
    'https://evil.io/github.com/some-owner/some.server',
    'https://github.com@evil.io/some-owner/some.server',
    'https://gitlab.com/some-owner/some.server',
    '',
  ])('not %s', (address) => {
    expect(sameRepository(address, fullName)).toBe(false);
  });

  it('reads owner and name', () => {
    expect(repositoryOf('https://github.com/a/b.git')).toBe('a/b');
    expect(repositoryOf('https://example.com/a/b')).toBeNull();
  });
});
