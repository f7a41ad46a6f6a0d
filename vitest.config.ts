// Which tests exist: quick ones beside the code, those that need a real part, and those of the whole.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const real = '**/*.integration.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.ts',
            'scripts/*.test.mjs',
            'tests/architecture.test.ts',
          ],
          exclude: ['**/node_modules/**', real],
          // Loading the modules of a file is half of its time, and some wait for a clock: one worker a core is too few.
          pool: 'threads',
          maxWorkers: Math.max(3, availableParallelism()),
        },
      },
      {
        test: {
          name: 'integration',
          include: [`packages/${real}`, `apps/${real}`],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['tests/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'tests/architecture.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
