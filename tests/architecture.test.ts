// The architecture holds: the rules find nothing in the project, and find each thing that they are there to find.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseModule, readModules } from './architecture-modules.ts';
import { folders, violationsIn } from './architecture-rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the rules say of one small module. */
const judge = (path: string, ...lines: string[]): string[] =>
  violationsIn([parseModule(path, ['// A module.', ...lines, ''].join('\n'))]);

describe('the project', () => {
  const modules = readModules(root, folders);

  it('is read whole', () => {
    const members = new Set(modules.map(({ path }) => path.split('/').slice(0, 2).join('/')));
    for (const member of [
      'packages/core',
      'packages/adapters',
      'packages/api',
      'packages/client',
      'apps/server',
    ])
      expect(members).toContain(member);
    expect(modules.flatMap(({ imports }) => imports).length).toBeGreaterThan(modules.length);
  });

  it('keeps its architecture', () => {
    expect(violationsIn(modules)).toEqual([]);
  });
});

describe('the layers', () => {
  it.each([
    ['packages/core/src/mcp/a.ts', `import { x } from '@insightloop/api';`],
    ['packages/core/src/mcp/a.ts', `import type { X } from '../../../adapters/src/docker/index.ts';`],
    ['packages/adapters/src/docker/a.ts', `import { x } from '@insightloop/api';`],
    ['packages/api/src/a.ts', `import { x } from '@insightloop/adapters/docker';`],
    ['packages/api/src/a.test.ts', `import { x } from '@insightloop/adapters/docker';`],
    ['packages/client/src/a.ts', `import type { X } from '@insightloop/core';`],
    ['packages/api/src/a.ts', `export { x } from '@insightloop/server';`],
    ['packages/api/src/a.ts', `const x = await import('../../../apps/server/src/app.ts');`],
    ['apps/server/src/a.ts', `import { x } from '@insightloop/client';`],
    ['prisma/seed.ts', `import { x } from '../packages/core/src/index.ts';`],
  ])('%s: %s', (path, line) => {
    expect(judge(path, line)).toHaveLength(1);
  });

  it('let the members see what is below them', () => {
    expect(judge('packages/adapters/src/docker/a.ts', `import { x } from '@insightloop/core';`)).toEqual([]);
    expect(judge('packages/api/src/a.ts', `import { x } from '@insightloop/core';`)).toEqual([]);
    expect(judge('apps/server/src/a.ts', `import { x } from '@insightloop/adapters/docker';`)).toEqual([]);
    expect(judge('tests/a.test.ts', `import { x } from '@insightloop/server';`)).toEqual([]);
  });
});

describe('core', () => {
  it.each([
    ['a room above', 'packages/core/src/mcp/a.ts', `import type { X } from '../deployments/runtime.ts';`],
    [
      'a re-export from above',
      'packages/core/src/servers/a.ts',
      `export type { X } from '../tasks/task.ts';`,
    ],
    ['a type from above', 'packages/core/src/tools/a.ts', `let x: import('../tasks/task.ts').Task;`],
    [
      'from a folder of a room',
      'packages/core/src/servers/inference/a.ts',
      `import { x } from '../../mcp/channel.ts';`,
    ],
    ['the services', 'packages/core/src/tasks/a.ts', `import { x } from '../services.ts';`],
    ['its own index', 'packages/core/src/tasks/a.ts', `import { x } from '../index.ts';`],
    ['something from errors', 'packages/core/src/errors.ts', `import type { X } from './platform/clock.ts';`],
    ['a library', 'packages/core/src/tasks/a.ts', `import { x } from 'fastify';`],
    ['the machine', 'packages/core/src/tasks/a.ts', `import { readFile } from 'node:fs/promises';`],
    ['the machine for its effect', 'packages/core/src/tasks/a.ts', `import 'node:fs';`],
    ['a required machine', 'packages/core/src/tasks/a.ts', `import fs = require('node:fs');`],
  ])('must not import %s', (_, path, line) => {
    expect(judge(path, line)).toHaveLength(1);
  });

  it('must not import fakes, by either of two rules', () => {
    expect(
      judge('packages/core/src/tasks/a.ts', `import { x } from '../testing/fake-clock.ts';`),
    ).toHaveLength(2);
  });

  it.each([
    ['zod', `import { z } from 'zod';`],
    ['a type of Node', `import type { Readable } from 'node:stream';`],
    ['types of Node by name', `import { type Readable, type Writable } from 'node:stream';`],
    ['a room below', `import { x } from '../mcp/channel.ts';`],
    ['its own room', `import { x } from './tool.ts';`],
    ['the errors', `import { x } from '../errors.ts';`],
  ])('may import %s', (_, line) => {
    expect(judge('packages/core/src/tools/a.ts', line)).toEqual([]);
  });
});

describe('an adapter', () => {
  it.each([
    `import { x } from '../prisma/index.ts';`,
    `import type { X } from '@insightloop/adapters/prisma';`,
  ])('must not import another: %s', (line) => {
    expect(judge('packages/adapters/src/docker/a.ts', line)).toHaveLength(1);
    expect(judge('packages/adapters/src/docker/a.integration.test.ts', line)).toEqual([]);
  });

  it('has its library for itself', () => {
    const using = (adapter: string) =>
      parseModule(
        `packages/adapters/src/${adapter}/a.ts`,
        `// A.\nimport { x } from '@scope/library/part';\n`,
      );
    expect(violationsIn([using('docker'), using('docker')])).toEqual([]);
    expect(violationsIn([using('docker'), using('e2b')])).toEqual([
      'packages/adapters: docker and e2b both import @scope/library',
    ]);
  });
});

describe('the client', () => {
  it.each([
    [`import { x } from '@insightloop/api';`, 1],
    [`import { type X, y } from '@insightloop/api';`, 1],
    [`export { x } from '@insightloop/api';`, 1],
    [`import '@insightloop/api';`, 1],
    [`import type { X } from '@insightloop/api';`, 0],
    [`export type { X } from '@insightloop/api';`, 0],
    [`let x: import('@insightloop/api').X;`, 0],
  ])('takes types only: %s', (line, count) => {
    expect(judge('packages/client/src/a.ts', line)).toHaveLength(count);
  });
});

describe('what is made for tests', () => {
  it.each([
    ['apps/server/src/a.ts', `import { x } from '@insightloop/core/testing';`, 1],
    ['packages/adapters/src/mcp/a.ts', `import { x } from './testing/programs.ts';`, 1],
    ['packages/adapters/src/mcp/a.test.ts', `import { x } from './testing/programs.ts';`, 0],
    ['packages/adapters/src/mcp/testing/a.ts', `import { x } from '@insightloop/core/testing';`, 0],
    ['packages/api/src/a.test.ts', `import { x } from '../../../tests/support/running-server.ts';`, 0],
    ['packages/api/src/a.ts', `import { x } from '../../../tests/support/running-server.ts';`, 2],
    ['tests/a.test.ts', `import { x } from './support/running-server.ts';`, 0],
  ])('%s: %s', (path, line, count) => {
    expect(judge(path, line)).toHaveLength(count);
  });
});

describe('the environment', () => {
  it.each([
    `const x = process.env.HOME;`,
    `const x = process['env'];`,
    `const { env } = process;`,
    `const { env: x } = process;`,
    `const x = globalThis.process.env;`,
    `import { env } from 'node:process';`,
  ])('is read by env.ts only: %s', (line) => {
    expect(judge('packages/adapters/src/process/a.ts', line)).toHaveLength(1);
    expect(judge('apps/server/src/app.ts', line)).toHaveLength(1);
    expect(judge('apps/server/src/env.ts', line)).toEqual([]);
    expect(judge('packages/adapters/src/process/a.test.ts', line)).toEqual([]);
  });

  it('is not meant by every word "env"', () => {
    expect(judge('apps/server/src/app.ts', `const x = recipe.env;`, `const { pid } = process;`)).toEqual([]);
  });
});

describe('a file', () => {
  it.each([
    'packages/core/src/tools/utils.ts',
    'packages/core/src/tools/tool-helpers.ts',
    'packages/core/src/tools/types.test.ts',
    'packages/core/src/tools/taskManager.ts',
    'packages/core/src/tools/tool_call.ts',
    'packages/api/src/common/limits.ts',
    'packages/api/src/base.ts',
  ])('is not named %s', (path) => {
    expect(judge(path)).toHaveLength(1);
  });

  it.each(['packages/api/src/base-url.ts', 'packages/core/src/mcp/shared-channel.integration.test.ts'])(
    'may be named %s',
    (path) => {
      expect(judge(path)).toEqual([]);
    },
  );

  it.each(['', 'export {};', '//', '#!/usr/bin/env node'])('does not begin with "%s"', (line) => {
    expect(violationsIn([parseModule('tests/a.ts', `${line}\n// Said too late.\n`)])).toHaveLength(1);
  });

  it.each([`export * from './a.ts';`, `export * as a from './a.ts';`])('does not say %s', (line) => {
    expect(judge('packages/api/src/index.ts', line)).toHaveLength(1);
  });
});
