// The command lines of the sandbox: nothing that comes from outside is ever part of a shell's text.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { prepareCommand } from './sandbox-command.ts';
import { enterCommand, joining, namespaceKeeper, plainCommand, uidKeeper } from './sandbox-scripts.ts';

const hostile = `"; touch /tmp/hostile; $(touch /tmp/hostile) '\n`;
const places = { home: '/tmp', temporary: '/tmp' };

/** The texts that a shell reads. */
const textsIn = (line: string[]): string[] => line.filter((_, index) => line[index - 1] === '-c');

describe('the way into a sandbox', () => {
  const request = {
    owner: { kind: 'uid', uid: 1234, lockFile: '/locks/1234' },
    keeperPid: 77,
    sealUserNamespaces: true,
    limits: [],
    filter: { method: 'setpriv', file: '/.filter' },
    workingFolder: '/home/server',
    variables: 2,
    command: ['/bin/program', hostile],
  } as const;

  it('takes the uid, then every privilege, before the command', () => {
    const line = enterCommand(request);
    const order = [
      'nsenter',
      '--reuid',
      '--user',
      '--no-new-privs',
      '--seccomp-filter',
      'setsid',
      '/bin/program',
    ].map((word) => (word === '--user' ? line.indexOf(`--map-user=1234`) : line.indexOf(word)));
    expect(order.every((at) => at >= 0)).toBe(true);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(line).toEqual(
      expect.arrayContaining(['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all']),
    );
    expect(line.slice(-2)).toEqual(['/bin/program', hostile]);
  });

  it('never puts what is given into the text of a shell', () => {
    const lines = [
      enterCommand(request),
      joining([hostile], ['/bin/true', hostile]),
      plainCommand({ workingFolder: hostile, variables: 0, command: [hostile] }),
      uidKeeper({ kind: 'uid', uid: 1234, lockFile: hostile }),
      namespaceKeeper(request.owner, { folder: hostile, hostName: hostile, image: hostile }),
    ];
    for (const line of lines) for (const text of textsIn(line)) expect(text).not.toContain('hostile');
  });

  it('enters the user namespace first without root, and changes no uid', () => {
    const line = enterCommand({ ...request, owner: { kind: 'ourselves' } });
    expect(line).toEqual(expect.arrayContaining(['--preserve-credentials']));
    expect(line).not.toContain('--reuid');
  });
});

describe('the last script', () => {
  const runPlain = (environment: Record<string, string>, ...command: string[]): string => {
    const prepared = prepareCommand({ command, environment, workingFolder: null }, places);
    const variables = Object.keys(prepared.variables).length;
    const [program = '', ...args] = plainCommand({ ...prepared, variables });
    return execFileSync('/bin/sh', ['-c', '"$@" 3>/dev/null', 'sh', program, ...args], {
      env: { ...prepared.variables, LC_ALL: 'C', OURS: 'secret' },
      encoding: 'utf8',
    });
  };

  it('hands over variables as they are', () => {
    const environment = {
      A: hostile,
      B: '$A `A` \\',
      C: '',
      IFS: 'x',
      PS4: '$(touch /tmp/hostile)',
      ENV: '/nowhere',
    };
    const found: Record<string, string> = {};
    for (const pair of runPlain(environment, '/usr/bin/env', '-0').split('\0')) {
      const end = pair.indexOf('=');
      found[pair.slice(0, end)] = pair.slice(end + 1);
    }
    expect(found).toMatchObject(environment);
    expect(Object.keys(found).filter((name) => name.startsWith('SANDBOX'))).toEqual([]);
    expect(found).not.toHaveProperty('LC_ALL');
  });

  it('hands over arguments as they are', () => {
    expect(runPlain({}, '/usr/bin/printf', '%s|', hostile, '', '-n', 'a b')).toBe(`${hostile}||-n|a b|`);
  });
});

describe('what no process can be given', () => {
  const prepare =
    (environment: Record<string, string>, command = ['/bin/true']) =>
    () =>
      prepareCommand({ command, environment, workingFolder: null }, places);

  it.each(['A=B', '1A', 'A B', '', 'SANDBOX_VARIABLE_0'])('is refused as a variable: "%s"', (name) => {
    expect(prepare({ [name]: 'value' })).toThrow('cannot be given');
  });

  it('is refused as a command, or as a value', () => {
    expect(prepare({ A: 'a\0b' })).toThrow('cannot be given');
    expect(prepare({}, [])).toThrow('absolute path');
    expect(prepare({}, ['program'])).toThrow('absolute path');
    expect(prepare({}, ['/bin/true', 'a\0b'])).toThrow('NUL');
  });

  it('is not ours to choose: home and temporary files', () => {
    const { variables } = prepare({ HOME: '/ours', TMPDIR: '/ours', PATH: '/mine' })();
    expect(Object.values(variables)).toEqual(
      expect.arrayContaining(['HOME=/tmp', 'TMPDIR=/tmp', 'PATH=/mine', 'LANG=C.UTF-8']),
    );
  });
});
