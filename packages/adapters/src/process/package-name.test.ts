// Names and versions that an installer may see, and the many that it may not.
import { describe, expect, it } from 'vitest';
import {
  isExactNpmVersion,
  normalPythonName,
  requireNpmPackage,
  requirePythonPackage,
} from './package-name.ts';

describe('requireNpmPackage', () => {
  it.each([
    ['server', null],
    ['@modelcontextprotocol/server-everything', '2026.8.31'],
    ['a.b_c-d', '1.0.0-rc.1'],
    ['next', 'latest'],
    ['next', 'v-next'],
  ])('takes %s at %s', (name, version) => {
    expect(() => requireNpmPackage(name, version)).not.toThrow();
  });

  it.each([
    '',
    '-g',
    '--registry=http://evil',
    '.hidden',
    '_private',
    '../up',
    './here',
    '/etc/passwd',
    'file:x',
    'a/b',
    '@scope',
    '@scope/',
    '@/name',
    '@sc/ope/name',
    'git+ssh://host/x',
    'https://host/x.tgz',
    'user/repo#main',
    'name@1',
    'npm:other',
    'Upper',
    'spa ce',
    'new\nline',
    'ünï',
    'x'.repeat(215),
    'x;rm',
    'x$(y)',
  ])('refuses the name %j', (name) => {
    expect(() => requireNpmPackage(name, null)).toThrow(/must be the name/);
  });

  it.each([
    '',
    '^1.0.0',
    '1',
    '1.2',
    'v1',
    '1.x',
    'x',
    '*',
    '>=1',
    '1.0.0 || 2',
    'file:../x',
    'npm:other@1.0.0',
    'https://h/x.tgz',
    'github:a/b',
    '-g',
    '--x',
    'latest\n',
    '01.2.3',
    'x'.repeat(300),
  ])('refuses the version %j', (version) => {
    expect(() => requireNpmPackage('name', version)).toThrow(/neither an exact version/);
  });

  it('tells a version from a tag', () => {
    expect(isExactNpmVersion('1.2.3')).toBe(true);
    expect(isExactNpmVersion('latest')).toBe(false);
  });
});

describe('requirePythonPackage', () => {
  it.each([
    ['mcp-server-fetch', null],
    ['Zope.Interface', '1.0'],
    ['a', '2025.4.7.post1'],
    ['a', '1!2.0rc1.dev3+local.1'],
  ])('takes %s at %s', (name, version) => {
    expect(() => requirePythonPackage(name, version)).not.toThrow();
  });

  it.each([
    '',
    '-r',
    '--index-url',
    'a b',
    'a[extra]',
    'a@https://host',
    './a',
    'a==1',
    '.a',
    'a-',
    'x'.repeat(215),
  ])('refuses the name %j', (name) => {
    expect(() => requirePythonPackage(name, null)).toThrow(/must be the name/);
  });

  it.each(['', '>=1', '1.*', 'latest', '1 ; x', '1.0\n', '-1'])('refuses the version %j', (version) => {
    expect(() => requirePythonPackage('name', version)).toThrow(/not an exact version/);
  });

  it('has one spelling of a name', () => {
    expect(normalPythonName('Zope__Interface.x')).toBe('zope-interface-x');
  });
});
