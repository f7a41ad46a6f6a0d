// The parts of names of images, as docker reads them.
import { describe, expect, it } from 'vitest';
import { imageReference } from './image-reference.ts';

const hub = 'https://registry-1.docker.io';
const digest = `sha256:${'0'.repeat(64)}`;

describe('an image', () => {
  it.each([
    ['alpine', null, [hub, 'library/alpine', 'latest', null]],
    ['mcp/time', '1.2', [hub, 'mcp/time', '1.2', null]],
    ['docker.io/mcp/time:2', '1.2', [hub, 'mcp/time', '2', null]],
    ['ghcr.io/a/b/c', null, ['https://ghcr.io', 'a/b/c', 'latest', null]],
    ['ghcr.io/a/b:v1', null, ['https://ghcr.io', 'a/b', 'v1', null]],
    [`ghcr.io/a/b:v1@${digest}`, null, ['https://ghcr.io', 'a/b', 'v1', digest]],
    [`a/b@${digest}`, null, [hub, 'a/b', 'latest', digest]],
    ['host:5000/a', null, ['https://host:5000', 'a', 'latest', null]],
    ['localhost:5000/a/b:c', null, ['http://localhost:5000', 'a/b', 'c', null]],
    ['127.0.0.1:5000/a', '7', ['http://127.0.0.1:5000', 'a', '7', null]],
  ])('%s in version %o', (identifier, version, expected) => {
    const found = imageReference(identifier, version);
    expect([found.origin, found.name, found.tag, found.digest]).toEqual(expected);
  });
});
