// The build of the published package: ES module, CommonJS, and declarations that name no package of ours.
import { defineConfig } from 'tsup';

/**
 * Each by itself: together they would share parts in files with names that change. Nobody cleans here, as each would remove
 * what the other has made; the script does it before.
 */
const entry = (name: string) => ({
  entry: { [name]: `src/${name}.ts` },
  format: ['esm', 'cjs'] as ('esm' | 'cjs')[],
  platform: 'neutral' as const,
  target: 'es2022' as const,
  // Relative paths too: what is not resolved stays an import of a package that nobody outside has.
  dts: { resolve: [/^@insightloop\//, /^\.\.?\//] },
});

export default defineConfig([entry('index'), entry('websocket')]);
