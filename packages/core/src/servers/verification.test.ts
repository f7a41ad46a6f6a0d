// Whose a package is: both directions, provenance, and everything that is not enough.
import { describe, expect, it } from 'vitest';
import { FakePackageRegistry } from '../testing/fake-package-registry.ts';
import { launchRecipeInput, operatorRecipe, type LaunchRecipe } from './launch-recipe.ts';
import type { PackageFacts } from './package-registry.ts';
import { judge, ownsHost, verifyRecipe, type Claim } from './verification.ts';

const facts = (changes: Partial<PackageFacts> = {}): PackageFacts => ({
  state: 'found',
  version: '1.2.3',
  integrity: 'sha512-x',
  repository: null,
  directory: null,
  mcp_name: null,
  provenance: null,
  bins: [],
  deprecated: null,
  ...changes,
});

const claim = (changes: Partial<Claim> = {}): Claim => ({
  repositoryKey: 'github.com/owner/name',
  formerKeys: [],
  namedByRepository: true,
  registryNames: ['io.github.owner/name'],
  ...changes,
});

const ours = 'https://github.com/owner/name';

describe('judge', () => {
  it.each<[string, Partial<PackageFacts>, Partial<Claim>, boolean | null, string | null]>([
    ['both directions', { repository: ours }, {}, true, 'repository'],
    ['both, by its name in the registry', { mcp_name: 'io.github.owner/name' }, {}, true, 'repository'],
    ['provenance alone', { provenance: ours }, { namedByRepository: false }, true, 'provenance'],
    ['a README’s word and perfect metadata', { repository: ours }, { namedByRepository: false }, false, null],
    [
      'a README’s word and a perfect name',
      { mcp_name: 'io.github.owner/name' },
      { namedByRepository: false },
      false,
      null,
    ],
    ['the repository’s word alone', {}, {}, false, null],
    ['metadata that points elsewhere', { repository: 'https://github.com/owner/other' }, {}, false, null],
    [
      'provenance from elsewhere',
      { provenance: 'https://github.com/evil/name' },
      { namedByRepository: false },
      false,
      null,
    ],
    ['a name of somebody else’s', { mcp_name: 'io.github.evil/name' }, {}, false, null],
    [
      'a host that only looks alike',
      { repository: 'https://github.com.evil.example/owner/name' },
      {},
      false,
      null,
    ],
    ...[
      'https://github.com@evil.example/owner/name',
      'https://evil.example/github.com/owner/name',
      'https://github.com:8443/owner/name',
      'https://github.com/owner/name-and-more',
      'https://github.com/owner/nam',
    ].flatMap((address): [string, Partial<PackageFacts>, Partial<Claim>, boolean | null, string | null][] => [
      [`metadata with ${address}`, { repository: address }, {}, false, null],
      [`provenance with ${address}`, { provenance: address }, {}, false, null],
    ]),
    ['a name that only begins alike', { mcp_name: 'io.github.owner/name-and-more' }, {}, false, null],
    ['a name in another case', { mcp_name: 'io.github.Owner/name' }, {}, false, null],
    [
      'a former name',
      { repository: 'https://github.com/owner/old' },
      { formerKeys: ['github.com/owner/old'] },
      true,
      'repository',
    ],
  ])('%s', (_name, said, claimed, verified, by) => {
    expect(judge(facts(said), claim(claimed))).toMatchObject({ verified, verified_by: by });
  });

  it('proves nothing where nobody answers, and refuses what does not exist', () => {
    expect(judge({ state: 'unreachable', detail: 'no network' }, claim()).verified).toBeNull();
    expect(judge({ state: 'missing', detail: 'there is none' }, claim()).verified).toBe(false);
  });
});

describe('verifyRecipe', () => {
  const recipe = (changes: Partial<LaunchRecipe> = {}): LaunchRecipe => ({
    ...operatorRecipe(launchRecipeInput.parse({ method: 'npx', identifier: 'tool' })),
    verified: null,
    verified_by: null,
    named_by_repository: true,
    ...changes,
  });
  const options = (packageRegistry: FakePackageRegistry, formerNames: string[] = []) => ({
    packageRegistry,
    repositoryKey: 'github.com/owner/name',
    registryNames: ['com.example/tool'],
    isFormerName: (key: string) => Promise.resolve(formerNames.includes(key)),
    signal: new AbortController().signal,
  });

  it('pins the version and the hash that were verified', async () => {
    const registry = new FakePackageRegistry();
    registry.publish({
      method: 'npx',
      identifier: 'tool',
      version: '1.0.0',
      repository: ours,
      integrity: 'sha512-1',
    });
    registry.publish({
      method: 'npx',
      identifier: 'tool',
      version: '2.0.0',
      repository: ours,
      integrity: 'sha512-2',
    });
    expect(await verifyRecipe(recipe(), options(registry))).toMatchObject({
      version: '2.0.0',
      integrity: 'sha512-2',
      verified: true,
    });
    expect(await verifyRecipe(recipe({ version: '1.0.0' }), options(registry))).toMatchObject({
      version: '1.0.0',
      integrity: 'sha512-1',
    });
  });

  it('does not offer what does not exist', async () => {
    const verified = await verifyRecipe(recipe(), options(new FakePackageRegistry()));
    expect(verified).toMatchObject({ verified: false, deployable: false });
    expect(verified.blockers).toHaveLength(1);
  });

  it('takes a former name only where it still leads here', async () => {
    const registry = new FakePackageRegistry();
    registry.publish({
      method: 'npx',
      identifier: 'tool',
      version: '1.0.0',
      repository: 'https://github.com/owner/old',
    });
    expect((await verifyRecipe(recipe(), options(registry))).verified).toBe(false);
    expect((await verifyRecipe(recipe(), options(registry, ['github.com/owner/old']))).verified).toBe(true);
  });

  it('takes an address only from the domain that the registry’s namespace is', async () => {
    const registry = new FakePackageRegistry();
    const remote = recipe({ method: 'remote', identifier: 'https://mcp.example.com/mcp' });
    expect((await verifyRecipe(remote, options(registry))).verified).toBe(true);
    expect(
      (await verifyRecipe({ ...remote, named_by_repository: false }, options(registry))).verified,
    ).toBeNull();
    const elsewhere = { ...remote, identifier: 'https://example.com.evil.test/mcp' };
    expect((await verifyRecipe(elsewhere, options(registry))).verified).toBeNull();
    expect(registry.requests).toEqual([]);
  });
});

describe('ownsHost', () => {
  it.each([
    ['com.example/x', 'https://example.com/mcp', true],
    ['com.example/x', 'https://mcp.example.com/mcp', true],
    ['com.example/x', 'https://notexample.com/mcp', false],
    ['io.github.owner/x', 'https://evil.github.io/mcp', false],
    ['io.github.owner/x', 'https://owner.github.io/mcp', true],
    ['com/x', 'https://example.com/mcp', false],
    ['com.example/x', 'no address', false],
  ])('%s of %s: %s', (name, url, expected) => {
    expect(ownsHost(name, url)).toBe(expected);
  });
});
