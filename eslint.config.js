// What the linter holds: sound types, awaited promises, and the layers of docs/architecture.md while one types.
// tests/architecture.test.ts derives the same layers once more, from the finished imports.
import { readdirSync } from 'node:fs';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const tests = ['**/*.test.ts', '**/testing/**'];
const configs = ['*.config.{ts,js}', '**/*.config.ts'];

// Core's rooms in their order: each knows those before it, none knows those after it.
const rooms = ['platform', 'telemetry', 'servers', 'mcp', 'tools', 'deployments', 'tasks'];
const adapters = readdirSync(new URL('packages/adapters/src', import.meta.url));

const wayUp = String.raw`^(\.\./)+`;
const ours = '^@insightloop/';

/** Layer rules for some folder: what its files must not import, each with the reason that the reader gets. */
const forbid = (files, ignores, ...patterns) => ({
  files,
  ignores,
  rules: { 'no-restricted-imports': ['error', { patterns: [noEnv, ...patterns] }] },
});
const noEnv = {
  regex: '^(node:)?process$',
  importNames: ['env', 'default'],
  message: 'Only apps/server/src/env.ts reads the environment.',
};
const noMembers = (allowed, message) => ({ regex: `${ours}(?!${allowed}$)`, message });

const coreOnly = [
  { regex: String.raw`^(?!zod$|node:|\.{1,2}/)`, message: 'Core imports zod and nothing else.' },
  {
    regex: '^node:',
    allowTypeImports: true,
    message: 'Core knows the types of Node but not the machine: ask for it in a port.',
  },
];

const layers = [
  forbid(['packages/core/src/*.ts'], tests, ...coreOnly, {
    regex: String.raw`^\./testing/`,
    message: 'The fakes are for tests.',
  }),
  ...rooms.map((room, index) =>
    forbid([`packages/core/src/${room}/**`], tests, ...coreOnly, {
      regex: `${wayUp}(${[...rooms.slice(index + 1), 'testing', 'services', 'system', 'index'].join('|')})(/|\\.ts$)`,
      message: `Core's rooms stand in one order, ${rooms.join(' ◄ ')}, and nothing points back.`,
    }),
  ),
  ...adapters.map((adapter) =>
    forbid(
      [`packages/adapters/src/${adapter}/**`],
      tests,
      noMembers('core', 'An adapter knows core and its one library.'),
      {
        regex: `${wayUp}(${adapters.filter((other) => other !== adapter).join('|')})/`,
        message:
          'An adapter never imports another adapter: what both need belongs into core, or is passed in.',
      },
    ),
  ),
  forbid(['packages/api/src/**'], tests, noMembers('core', 'The contract knows core, and no adapter.')),
  forbid(['packages/client/src/**'], tests, noMembers('api', 'The client knows the contract only.'), {
    regex: `${ours}api$`,
    allowTypeImports: true,
    message: 'Types only: a value would pull the server into the SDK.',
  }),
  forbid(['apps/server/src/**'], tests, {
    regex: `${ours}core/testing`,
    message: 'The fakes are for tests.',
  }),
];

export default defineConfig(
  globalIgnores(['**/dist', '**/generated', '.toolchain', '.insightloop', 'tests/consumer', '**/coverage']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-unsafe-type-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreRestSiblings: true, argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `value['key']` says that the key is data, `value.key` that the type declares it.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      // `signal.reason` is an error by convention only.
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],

      // Off, because they find more that is right than wrong here:
      // A port is asynchronous because some implementation waits; a fake of it need not.
      '@typescript-eslint/require-await': 'off',
      // Services and ports are records of closures, which know no `this`.
      '@typescript-eslint/unbound-method': 'off',
      // A listener that has nothing to do, and an arrow that hands on what returns nothing.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // It refuses `Promise.withResolvers<void>()`.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // It asks for the `!` that another rule forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Only an alias, and not an interface, fits where a record is asked for.
      '@typescript-eslint/consistent-type-definitions': 'off',

      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportAllDeclaration',
          message: 'Index files list names, so that one sees what is public.',
        },
        {
          selector: 'ExportDefaultDeclaration',
          message: 'Export it by its name; only configuration has a default.',
        },
      ],
    },
  },
  {
    files: ['packages/*/src/**', 'apps/*/src/**'],
    ignores: [...tests, 'apps/server/src/env.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only apps/server/src/env.ts reads the environment.' },
      ],
    },
  },
  ...layers,
  {
    files: [...tests, 'tests/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // `expect.any(String)` is typed as any, and a test says itself what shape an answer has.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-type-assertion': 'off',
      // A stand-in for whatever type is asked for: `const nothing = <T>(): T => …`.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // A source that only ends, or only throws.
      'require-yield': 'off',
    },
  },
  { files: configs, rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'Buffer',
          'clearInterval',
          'clearTimeout',
          'console',
          'performance',
          'process',
          'setInterval',
          'setTimeout',
          'URL',
        ].map((name) => [name, 'readonly']),
      ),
    },
    rules: { eqeqeq: 'error' },
  },
);
