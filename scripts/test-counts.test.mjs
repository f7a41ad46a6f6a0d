// The counts of a test run, also of one that went wrong.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { countTests, isClean } from './test-counts.mjs';

const file = (status, ...statuses) => ({
  status,
  assertionResults: statuses.map((one) => ({ status: one })),
});

it.each([
  ['all passed', [file('passed', 'passed', 'passed'), file('passed', 'passed')], [3, 0, 0], true],
  ['one failed', [file('failed', 'passed', 'failed')], [1, 1, 0], false],
  ['one was skipped', [file('passed', 'passed', 'skipped')], [1, 0, 1], false],
  [
    'some were left out in other ways',
    [file('passed', 'passed', 'pending', 'todo', 'disabled')],
    [1, 0, 3],
    false,
  ],
  ['a file did not load', [file('passed', 'passed'), file('failed')], [1, 1, 0], false],
  ['a hook threw after the tests', [file('failed', 'passed')], [1, 1, 0], false],
  ['nothing ran', [], [0, 0, 0], false],
])('when %s', (_, testResults, [passed, failed, skipped], clean) => {
  const counts = countTests({ testResults });
  expect(counts).toEqual({ passed, failed, skipped });
  expect(isClean(counts)).toBe(clean);
});

it('says so when there is no result at all', async () => {
  const script = fileURLToPath(new URL('test-counts.mjs', import.meta.url));
  await expect(promisify(execFile)(process.execPath, [script, '/nowhere.json'])).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^there is no result.*\n0 passed, 0 failed, 0 skipped\n$/),
  });
});
