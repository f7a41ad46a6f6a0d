// One spelling for each repository, and none for what is none.
import { describe, expect, it } from 'vitest';
import { githubNameOf, repositoryKeyOf } from './repository-key.ts';

describe('repositoryKeyOf', () => {
  it.each([
    'https://github.com/Owner/Name',
    'https://github.com/owner/name.git',
    'git+https://github.com/owner/name.git',
    'git://github.com/owner/name.git',
    'git+ssh://git@github.com/owner/name.git',
    'ssh://git@github.com/owner/name',
    'git@github.com:owner/name.git',
    'https://www.github.com/owner/name/',
    'https://github.com/owner/name/tree/main/packages/server#readme',
    'github:owner/name',
    'owner/name',
  ])('reads %s', (address) => {
    expect(repositoryKeyOf(address)).toBe('github.com/owner/name');
  });

  it.each([
    null,
    undefined,
    '',
    'https://github.com/',
    'https://github.com/owner',
    'https://github.com/owner/..',
    'javascript:alert(1)',
    'https://github.com/owner/na me',
    'x'.repeat(5_000),
  ])('finds none in %j', (address) => {
    expect(repositoryKeyOf(address)).toBeNull();
  });

  it('tells hosts apart', () => {
    expect(repositoryKeyOf('https://gitlab.com/owner/name')).toBe('gitlab.com/owner/name');
    expect(repositoryKeyOf('https://github.com.evil.example/owner/name')).not.toMatch(/^github\.com\//);
    expect(repositoryKeyOf('https://evil.example/github.com/owner/name')).not.toMatch(/^github\.com\//);
    expect(repositoryKeyOf('https://github.com@evil.example/owner/name')).toBe('evil.example/owner/name');
  });

  it.each([
    'https://github.com:8443/owner/name',
    'https://github.com%2eevil.example/owner/name',
    'https://evil.example\\@github.com.evil.example/owner/name',
    'https://github.com\\@evil.example/owner/name',
    'https://evil.example#github.com/owner/name',
    'https://evil.example?github.com/owner/name',
    'https://user:github.com@evil.example/owner/name',
    'ssh://git@github.com@evil.example/owner/name',
    'git@github.com.evil.example:owner/name',
    'git@evil.example:github.com/owner/name',
    'https://raw.github.com/owner/name',
    'https://notgithub.com/owner/name',
    'https://github.com/owner/name-and-more',
    'https://github.com/owner/nam',
    'https://github.com/another/owner/name',
  ])('does not take %s for it', (address) => {
    expect(repositoryKeyOf(address)).not.toBe('github.com/owner/name');
  });

  it('names a repository at GitHub only', () => {
    expect(githubNameOf('github.com/owner/name')).toBe('owner/name');
    expect(githubNameOf('gitlab.com/owner/name')).toBeNull();
  });
});
