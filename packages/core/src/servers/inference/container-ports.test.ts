// Ports of Dockerfiles and compose files, and whose a container is.
import { describe, expect, it } from 'vitest';
import { declaredPorts, isForeignContainer } from './container-ports.ts';
import { identityOf } from './relatedness.ts';

const identity = identityOf('some-owner/weather-mcp', [], []);
const portsOf = (path: string, ...lines: string[]): number[] =>
  declaredPorts([{ path, source: lines.join('\n') }], identity);

describe('a Dockerfile', () => {
  it('opens what its last stage exposes', () => {
    expect(
      portsOf('Dockerfile', 'FROM node AS build', 'EXPOSE 3000', 'FROM node', 'EXPOSE 8000/tcp'),
    ).toEqual([8000]);
  });

  it('says more with a variable', () => {
    expect(portsOf('Dockerfile', 'FROM node', 'ENV HOST=0.0.0.0 MCP_PORT=8000', 'EXPOSE 8000 9000')).toEqual([
      8000,
    ]);
  });

  it('may open nothing, or what other programs have', () => {
    expect(portsOf('Dockerfile', 'FROM node', 'EXPOSE $PORT 5432 22', 'ENV IMPORT=1234')).toEqual([]);
    expect(portsOf('sub/Dockerfile', 'FROM node', 'EXPOSE 8000')).toEqual([]);
  });
});

describe('a compose file', () => {
  it('opens the ports of what is built here or called so', () => {
    expect(
      portsOf(
        'docker-compose.yml',
        'services:',
        '  server:',
        '    build: .',
        '    ports:',
        '      - "${PORT:-9999}:8000"',
        '  other:',
        '    image: ghcr.io/anybody/weather-mcp:1',
        '    ports:',
        '      - 8001',
        '  browser:',
        '    image: browsers/grid',
        '    ports:',
        '      - "4444:4444"',
      ),
    ).toEqual([8000, 8001]);
  });

  it('may be anything else', () => {
    expect(portsOf('compose.yaml', 'services: none')).toEqual([]);
    expect(portsOf('compose.yaml', '- a')).toEqual([]);
  });
});

describe('a container', () => {
  it.each([
    ['docker run -p 4444:4444 browsers/grid:latest', true],
    ['docker run -p 8000:8000 anybody/weather-mcp', false],
    ['docker run -p 8000:8000 made-here', false],
    ['npx grid', false],
  ])('%s', (line, foreign) => {
    expect(isForeignContainer(line.split(' '), identity)).toBe(foreign);
  });
});
