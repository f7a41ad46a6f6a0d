// Each way in which a preparation is known to fail leads to its own advice.
import { expect, it } from 'vitest';
import { adviceFor } from './problem.mjs';

it.each([
  ['npm error code ENOSPC\nnpm error syscall write', /disk is full/],
  ['ERR_PNPM_UNEXPECTED  No space left on device (os error 28)', /disk is full/],
  ['npm error code EACCES\nnpm error path /x', /cannot be written/],
  ['ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile"', /pnpm-lock\.yaml does not fit/],
  ['npm error code SELF_SIGNED_CERT_IN_CHAIN', /certificate is not trusted/],
  ['npm error code E403\nnpm error 403 Forbidden', /refused us/],
  ['npm error code E404\nnpm error 404 Not Found', /does not have this version/],
  ['npm error code ETARGET\nnpm error notarget No matching version found', /does not have this version/],
  ['npm error code ENOTFOUND', /cannot be reached/],
  ['npm error code ECONNREFUSED', /cannot be reached/],
  ['error sending request for url (http://localhost:9/zod)', /cannot be reached/],
  ['Error: prisma/schema.prisma:5 is invalid', /above says why/],
])('%s', (output, advice) => {
  expect(adviceFor(output)).toMatch(advice);
});
