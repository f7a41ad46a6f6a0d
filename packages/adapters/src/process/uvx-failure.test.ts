// What uv's sentences mean for the caller.
import { describe, expect, it } from 'vitest';
import { uvFailure } from './uvx-failure.ts';

const failure = (line: string) =>
  uvFailure({
    exit: { kind: 'exit', code: 1 },
    output: ['Using CPython 3.12.3', line],
    subject: 'server@1.0',
    memoryBytes: 1024 ** 2,
    diskBytes: 1024 ** 2,
  });

describe('uvFailure', () => {
  it.each([
    [
      'error: Failed to fetch: `https://pypi.org/simple/x/`\n  Caused by: dns error: failed to lookup address information',
      /not be reached/,
    ],
    ['  Caused by: tcp connect error: Connection refused (os error 111)', /not be reached/],
    ['  Caused by: operation timed out', /not be reached/],
    ['  Caused by: HTTP status server error (503 Service Unavailable) for url', /not be reached/],
    ['  Caused by: invalid peer certificate: UnknownIssuer', /not trusted/],
    ['error: HTTP status client error (401 Unauthorized) for url', /credentials/],
    ['error: failed to write to file: No space left on device (os error 28)', /no room/],
  ])('blames the surroundings for %j', (line, message) => {
    expect(failure(line)).toMatchObject({ code: 'DEPLOYMENT_FAILED', infrastructure: true });
    expect(failure(line).message).toMatch(message);
  });

  it.each([
    [
      '  Because server was not found in the package registry and you require server',
      /no package server@1.0/,
    ],
    ['  Because there is no version of server==1.0 and you require server==1.0', /no such version/],
    ['  × Failed to build: building source distributions is disabled', /allow_scripts/],
    ['  Because only server>=2 is available and its requires-python is >=3.13', /another version of Python/],
    ['error: Hash mismatch for `server==1.0`', /not what it promised/],
    ['error: something new', /could not install/],
  ])('blames the package for %j', (line, message) => {
    expect(failure(line)).toMatchObject({ code: 'DEPLOYMENT_FAILED', infrastructure: false });
    expect(failure(line).message).toMatch(message);
    expect(failure(line).details).toMatchObject({ output: expect.arrayContaining([line]) });
  });
});
