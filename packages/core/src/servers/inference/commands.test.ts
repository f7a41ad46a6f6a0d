// Commands as people write them, read as recipes.
import { describe, expect, it } from 'vitest';
import { readCommand } from './commands.ts';
import { commandsOf, splitWords } from './shell-words.ts';

const started = (line: string) => {
  const command = readCommand(splitWords(line));
  return command && { ...command.started, args: command.args };
};

describe('what a command line starts', () => {
  it.each([
    ['npx -y some-server --flag', 'some-server', ['--flag']],
    ['npx --yes @scope/some-server@1.2.3', '@scope/some-server', []],
    ['npx -p @scope/pkg some-bin x', '@scope/pkg', ['x']],
    ['npx --package=pkg -- some-bin', 'pkg', []],
    ['cmd /c npx -y some-server', 'some-server', []],
    ['C:/nodejs/npx.cmd some-server', 'some-server', []],
    ['/usr/local/bin/npx some-server', 'some-server', []],
    ['bunx some-server', 'some-server', []],
    ['pnpm dlx some-server', 'some-server', []],
    ['npm exec some-server', 'some-server', []],
    ['deno run -A npm:some-server', 'some-server', []],
    ['env A=1 B=2 npx some-server', 'some-server', []],
    ['bash -c "export A=1 && npx some-server x"', 'some-server', ['x']],
    ['npx supergateway --stdio "npx some-server x"', 'some-server', ['x']],
    ['mcp-proxy --port 8080 -- npx -y some-server', 'some-server', []],
  ])('%s', (line, identifier, args) => {
    expect(started(line)).toMatchObject({ kind: 'package', method: 'npx', identifier, args });
  });

  it.each([
    ['uvx some-server stdio', 'some-server', null, ['stdio']],
    ['uvx --from some-server[extra]==1.2 run-it', 'some-server', 'run-it', []],
    ['uvx --python 3.12 --with x some-server', 'some-server', null, []],
    ['uv tool run some-server@latest', 'some-server', null, []],
    ['pipx run some-server', 'some-server', null, []],
  ])('%s', (line, identifier, bin, args) => {
    expect(started(line)).toMatchObject({ kind: 'package', method: 'uvx', identifier, bin, args });
  });

  it('takes a line in `command`, and arguments beside it', () => {
    expect(readCommand(['npx -y some-server', '--flag'])).toMatchObject({ args: ['--flag'] });
  });

  it('keeps a version that says something, and no other', () => {
    expect(started('npx a-b@1.2.3')).toMatchObject({ version: '1.2.3' });
    for (const spec of ['a-b@latest', 'a-b@0.0.0', 'a-b@1.x', 'a-b@^1.0.0', 'a-b@${VERSION}']) {
      expect(started(`npx '${spec}'`)).toMatchObject({ identifier: 'a-b', version: null });
    }
  });

  it('knows which flags of docker run take a value, and which image exists only after a build', () => {
    const line =
      'docker run -i --rm --init --network host -e A -e B=1 -v /data:/data:ro --mount type=bind,src=/x,dst=/y,readonly ghcr.io/o/image:1.2 stdio --flag';
    expect(readCommand(splitWords(line))).toMatchObject({
      started: {
        kind: 'image',
        identifier: 'ghcr.io/o/image',
        version: '1.2',
        mounts: [
          { source: '/data', target: '/data', read_only: true },
          { source: '/x', target: '/y', read_only: true },
        ],
      },
      args: ['stdio', '--flag'],
      variables: [
        { name: 'A', value: null },
        { name: 'B', value: '1' },
      ],
    });
    expect(started('docker run -it my-server')).toMatchObject({ kind: 'manual', via: 'build' });
    expect(started('docker run o/my-server:dev')).toMatchObject({ kind: 'manual', via: 'build' });
    expect(started('docker run --rm <your-image>')).toBeNull();
    expect(started('docker compose up')).toBeNull();
  });

  it('sees the server elsewhere behind a bridge', () => {
    expect(started('npx mcp-remote https://mcp.host.io/mcp --header x')).toMatchObject({
      kind: 'remote',
      url: 'https://mcp.host.io/mcp',
    });
  });

  it.each([
    'node /path/to/dist/index.js',
    'uv --directory /x run server.py',
    'python -m some_server',
    'uvx --from git+https://h/x y',
  ])('has to be prepared by a person: %s', (line) => {
    expect(started(line)).toMatchObject({ kind: 'manual' });
  });

  it.each([
    'npx @modelcontextprotocol/inspector node x.js',
    'npx -y @smithery/cli install some-server',
    'npx ./local',
    'npx github:o/r',
    'npx <package>',
    '',
  ])('starts no server: %s', (line) => {
    expect(started(line)).toBeNull();
  });

  it('gives up on commands within commands', () => {
    expect(readCommand(['env', ...Array<string>(50).fill('env'), 'npx', 'a'])).toBeNull();
  });
});

describe('a block of shell lines', () => {
  it('joins continued lines and splits joined commands', () => {
    expect(commandsOf('$ a \\\n  --b "c d" && e | f # g\nh').map(({ words }) => words)).toEqual([
      ['a', '--b', 'c d'],
      ['e'],
      ['f'],
      ['h'],
    ]);
  });

  it('takes an apostrophe in prose for what it is', () => {
    expect(commandsOf("don't\nnpx a").at(-1)?.words).toEqual(['npx', 'a']);
  });

  it('is bounded', () => {
    expect(commandsOf('npx a\n'.repeat(100_000)).length).toBeLessThanOrEqual(400);
  });
});
