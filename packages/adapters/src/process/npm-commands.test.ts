// The command lines of npm, word for word: what is missing here runs strangers' code or waits for an answer.
import { describe, expect, it } from 'vitest';
import { npmInstallArgs, npmRebuildArgs, npmViewArgs } from './npm-commands.ts';

const where = { npmrc: '/run/npmrc', cache: '/cache' };
const always = [
  '--color=false',
  '--progress=false',
  '--update-notifier=false',
  '--logs-max=0',
  '--yes=false',
  '--userconfig=/run/npmrc',
  '--globalconfig=/run/npmrc.global',
  '--cache=/cache',
];

describe('the command lines of npm', () => {
  it('install without scripts, audit, funding and git, the package last and behind --', () => {
    expect(npmInstallArgs('@a/b@1.0.0', where)).toEqual([
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--omit=dev',
      '--package-lock=true',
      '--save-exact',
      '--install-strategy=hoisted',
      '--allow-git=none',
      '--git=/nonexistent/git',
      '--loglevel=http',
      ...always,
      '--',
      '@a/b@1.0.0',
    ]);
  });

  it('look up a version', () => {
    expect(npmViewArgs('b@latest', where)).toEqual([
      'view',
      '--loglevel=warn',
      ...always,
      '--',
      'b@latest',
      'version',
    ]);
  });

  it('run the scripts of what is there, of no package by name', () => {
    expect(npmRebuildArgs(where)).toEqual([
      'rebuild',
      '--ignore-scripts=false',
      '--dangerously-allow-all-scripts=true',
      '--foreground-scripts',
      '--loglevel=warn',
      ...always,
    ]);
  });
});
