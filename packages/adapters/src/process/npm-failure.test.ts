// What npm's codes mean for the caller: whose fault it was, and what to do next.
import { describe, expect, it } from 'vitest';
import { npmFailure } from './npm-failure.ts';

const failure = (code: string | null, kind: 'exit' | 'out_of_memory' | 'disk_full' = 'exit') =>
  npmFailure({
    exit: kind === 'exit' ? { kind, code: 1 } : { kind },
    output:
      code === null ? ['something else'] : ['npm warn old thing', `npm error code ${code}`, 'npm error more'],
    subject: 'server@1.0.0',
    memoryBytes: 512 * 1024 ** 2,
    diskBytes: 1024 ** 3,
  });

describe('npmFailure', () => {
  it.each([
    'ENOTFOUND',
    'EAI_AGAIN',
    'ETIMEDOUT',
    'ECONNREFUSED',
    'ECONNRESET',
    'ERR_SOCKET_TIMEOUT',
    'E500',
    'E502',
    'E503',
    'E429',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'CERT_HAS_EXPIRED',
    'E401',
    'E403',
    'ENEEDAUTH',
    'ENOSPC',
  ])('blames the surroundings for %s', (code) => {
    expect(failure(code)).toMatchObject({ code: 'DEPLOYMENT_FAILED', infrastructure: true });
  });

  it.each([
    'E404',
    'ETARGET',
    'EINTEGRITY',
    'TAR_BAD_ARCHIVE',
    'EBADPLATFORM',
    'EALLOWGIT',
    'ERESOLVE',
    '1',
    'EWHATEVER',
  ])('blames the package for %s', (code) => {
    expect(failure(code)).toMatchObject({ code: 'DEPLOYMENT_FAILED', infrastructure: false });
    expect(failure(code).message).toContain('server@1.0.0');
    expect(failure(code).message).toContain(code);
  });

  it('keeps the output for the caller', () => {
    expect(failure('E404').details).toMatchObject({
      npm_code: 'E404',
      output: expect.arrayContaining(['npm error more']),
    });
  });

  it('reads what older versions print', () => {
    const output = ['npm ERR! code E404'];
    const old = npmFailure({
      exit: { kind: 'exit', code: 1 },
      output,
      subject: 'x',
      memoryBytes: 1,
      diskBytes: 1,
    });
    expect(old.details).toMatchObject({ npm_code: 'E404' });
  });

  it('tells of limits that were reached, and of an end without a code', () => {
    expect(failure(null, 'out_of_memory').message).toContain('512 MiB of memory');
    expect(failure(null, 'disk_full').message).toContain('1024 MiB of disk');
    expect(failure(null).message).toBe('npm could not install server@1.0.0.');
  });
});
