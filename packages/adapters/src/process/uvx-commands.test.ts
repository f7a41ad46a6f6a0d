// The command lines of uv, word for word.
import { describe, expect, it } from 'vitest';
import { uvInstallArgs, uvResolveArgs, uvVenvArgs } from './uvx-commands.ts';

const where = { cache: '/cache', config: null };
const always = ['--color=never', '--no-progress', '--cache-dir=/cache', '--no-config'];

describe('the command lines of uv', () => {
  it('look up a version without building anything', () => {
    expect(uvResolveArgs('/run/in', where, { allowBuilds: false })).toEqual([
      'pip',
      'compile',
      '--no-deps',
      '--no-header',
      '--no-annotate',
      '--quiet',
      '--no-build',
      ...always,
      '--',
      '/run/in',
    ]);
  });

  it('make an environment that belongs to no project', () => {
    expect(uvVenvArgs('/install/venv', where)).toEqual([
      'venv',
      '--no-project',
      ...always,
      '--',
      '/install/venv',
    ]);
  });

  it('install one version, wheels only unless building is allowed', () => {
    const install = { python: '/v/bin/python', name: 'server', version: '1.0' };
    const start = ['pip', 'install', '--python=/v/bin/python', '--link-mode=copy', '--compile-bytecode'];
    expect(uvInstallArgs({ ...install, allowBuilds: false }, where)).toEqual([
      ...start,
      '--no-build',
      ...always,
      '--',
      'server==1.0',
    ]);
    expect(uvInstallArgs({ ...install, allowBuilds: true }, where)).toEqual([
      ...start,
      ...always,
      '--',
      'server==1.0',
    ]);
  });

  it('read the configuration of the operator where there is one', () => {
    expect(uvVenvArgs('/v', { ...where, config: '/run/uv.toml' })).toContain('--config-file=/run/uv.toml');
  });
});
