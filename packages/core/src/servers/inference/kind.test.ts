// A server, or something around servers: what a careful reader takes a repository for.
import { describe, expect, it } from 'vitest';
import { inferLaunch } from './infer-launch.ts';
import { type RepositoryKind } from './inference.ts';

const kindOf = (fullName: string, readme: string, files: Record<string, string> = {}): RepositoryKind =>
  inferLaunch({
    repository: { full_name: fullName },
    files: new Map([['README.md', readme], ...Object.entries(files)]),
  }).kind;

describe('what a repository is', () => {
  it('is not decided by a name that ends in "server" where the text is of programs that others write', () => {
    const dependency = '```xml\n<dependency><artifactId>a</artifactId></dependency>\n```';
    expect(
      kindOf(
        'some-owner/some-mcp-server',
        `# Some MCP Server\n\nA plugin for your build that lets you write MCP tools in a few lines.\n\n${dependency}`,
      ),
    ).toBe('framework');
  });

  it('is a template where the reader is told to start from it', () => {
    expect(
      kindOf(
        'some-owner/first-mcp-server',
        '# MCP Server Starter\n\nEverything that a new one needs. Press the button to use this template.',
        {
          'pyproject.toml':
            '[project]\nname = "first"\ndescription = "A small MCP server"\ndependencies = ["mcp"]\n[project.scripts]\nfirst = "a:b"\n',
        },
      ),
    ).toBe('other');
  });

  it('is an SDK where its words say so, though it shows how servers are made', () => {
    const program = '```go\ns := server.NewMCPServer("a", "1")\n```\n';
    expect(
      kindOf(
        'some-owner/mcp-x',
        `# X\n\nAn implementation of the Model Context Protocol in X.\n\n${program}${program}`,
      ),
    ).toBe('sdk');
    expect(
      kindOf('some-owner/fast-x', `# X\n\nThe framework for building MCP servers.\n\n${program}${program}`),
    ).toBe('framework');
  });

  it('is a client where a command line connects to servers of others', () => {
    const manifest = JSON.stringify({ name: 'some', bin: { some: 'x.js' } });
    const readme =
      '# Some CLI\n\nSome CLI is the way to talk to remote MCP servers from a terminal.\n\n```sh\nnpm install -g some\n```';
    const inference = inferLaunch({
      repository: { full_name: 'some-owner/cli' },
      files: new Map([
        ['README.md', readme],
        ['package.json', manifest],
      ]),
    });
    expect(inference).toMatchObject({ kind: 'client', recipes: [] });
  });

  it('is a gateway where it stands before the servers of others', () => {
    const registered = JSON.stringify({
      name: 'io.github.some-owner/harbour',
      packages: [{ registryType: 'pypi', identifier: 'harbour' }],
    });
    for (const words of [
      'The policy enforcement plane for MCP: audit for your whole MCP server fleet.',
      'A firewall for MCP. It asks before a call reaches upstream MCP servers.',
    ])
      expect(
        kindOf('some-owner/harbour', `# Harbour\n\n${words}\n\n\`\`\`sh\nuvx harbour\n\`\`\``, {
          'server.json': registered,
        }),
      ).toBe('gateway');
  });

  it('is a framework where programs expose what is theirs with it', () => {
    const program = '```python\nfrom b import MCPServer\nserver = MCPServer(name="a")\n```\n';
    const intro = 'Expose your views and models as a Model Context Protocol (MCP) server.';
    const install = '```sh\npip install views-mcp-server\n```\n';
    expect(
      kindOf('some-owner/views-mcp-server', `# views-mcp-server\n\n${intro}\n\n${program}${install}`, {
        'pyproject.toml': `[project]\nname = "views-mcp-server"\ndescription = "${intro}"\n`,
      }),
    ).toBe('framework');
    expect(
      kindOf(
        'some-owner/notes-mcp',
        '# notes\n\nExpose your notes as an MCP server.\n\n```sh\nnpx -y notes-mcp\n```\n',
      ),
    ).toBe('server');
  });

  it('may be past its time, which its first lines say', () => {
    const noteOf = (line: string): string | null =>
      inferLaunch({
        repository: { full_name: 'some-owner/some-mcp-server' },
        files: new Map([['README.md', `# Some MCP Server\n\n${line}\n`]]),
      }).archived_note;
    expect(noteOf('> **This repository has been deprecated**, use another.')).toContain(
      'has been deprecated',
    );
    expect(noteOf('This project has moved to [a place](https://example.com).')).toContain('has moved to');
    expect(noteOf('⚠️ Archived: no updates.')).toContain('Archived');
    expect(noteOf('Speaks stdio, and the deprecated SSE.')).toBeNull();
  });

  it('stays a server that is one, whatever it is a server for', () => {
    for (const subject of ['template', 'cli', 'framework'])
      expect(
        kindOf(
          `some-owner/${subject}-mcp-server`,
          `# ${subject} MCP Server\n\nAn MCP server for every ${subject}.\n\n\`\`\`sh\nnpx -y ${subject}-mcp-server\n\`\`\``,
        ),
      ).toBe('server');
  });
});
