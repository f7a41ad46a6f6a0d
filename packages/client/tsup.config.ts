// The build of the published package: ES module, CommonJS, and declarations that name no package of ours.
import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/websocket.ts'],
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  clean: true,
  // Relative paths too: what is not resolved stays an import of a package that nobody outside has.
  dts: { resolve: [/^@insightloop\//, /^\.\.?\//] },
});
