// Counts the tests in a result file of Vitest: `node scripts/test-counts.mjs <file>` prints one line about them.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * A file that failed as a whole (it does not load, or a hook threw) without a failed test in it counts as one failed.
 * Whatever neither passed nor failed was skipped, whether marked so, left to do, or never reached.
 * @param {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} report
 */
export function countTests(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    const failedBefore = counts.failed;
    for (const { status } of file.assertionResults) {
      counts[status === 'passed' || status === 'failed' ? status : 'skipped'] += 1;
    }
    if (file.status === 'failed' && counts.failed === failedBefore) counts.failed += 1;
  }
  return counts;
}

/** Whether all is well: something ran, and nothing failed or was left out. */
export const isClean = ({ passed, failed, skipped }) => passed > 0 && failed === 0 && skipped === 0;

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    console.log(`there is no result of the tests: ${error.message}`);
    return { testResults: [] };
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const counts = countTests(readReport(process.argv[2]));
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = isClean(counts) ? 0 : 1;
}
