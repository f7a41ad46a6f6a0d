// The ways in which packages write where they come from.
import { describe, expect, it } from 'vitest';
import { repositoryAddress } from './repository-address.ts';

describe('a repository’s address', () => {
  it.each([
    'https://github.com/owner/name',
    'https://github.com/owner/name/',
    'https://github.com/owner/name.git',
    'http://www.github.com/owner/name',
    'git+https://github.com/owner/name.git',
    'git+https://user:token@github.com/owner/name.git#main',
    'git://github.com/owner/name.git',
    'git+ssh://git@github.com/owner/name.git',
    'ssh://git@github.com/owner/name',
    'git@github.com:owner/name.git',
    'github:owner/name',
    'owner/name',
    'owner/name#branch',
    ' https://github.com/owner/name/tree/main/packages/a?x=y#readme ',
    'https://GITHUB.com/owner/name/issues',
  ])('is the same in %o', (text) => {
    expect(repositoryAddress(text)).toBe('https://github.com/owner/name');
  });

  it.each([
    ['https://gitlab.com/group/sub/name.git', 'https://gitlab.com/group/sub/name'],
    ['gitlab:group/name', 'https://gitlab.com/group/name'],
    ['https://git.example:8443/a/b', 'https://git.example:8443/a/b'],
    ['ssh://git@git.example:2222/a/b.git', 'https://git.example/a/b'],
  ])('of another host: %o is %s', (text, address) => {
    expect(repositoryAddress(text)).toBe(address);
  });

  it.each([
    '',
    'name',
    'https://github.com/',
    'https://github.com/owner',
    'file:///a/b',
    'javascript:a/b',
    '/a/b',
    'C:\\a\\b',
  ])('is not %o', (text) => {
    expect(repositoryAddress(text)).toBeNull();
  });
});
