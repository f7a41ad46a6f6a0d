// The commands of the project, one for each npm script: what each needs prepared, and what it then runs.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from './check.mjs';
import { prepare, programOf } from './preparation.mjs';
import { Problem, adviceFor } from './problem.mjs';
import { handOver, say } from './processes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

// Node 22 still calls running TypeScript experimental, once per process; nobody who starts this can do anything about it.
const quietNode = '--disable-warning=ExperimentalWarning';

const commands = {
  start: {
    needs: ['install', 'generate'],
    run: ({ node, env }, rest) =>
      handOver([node, quietNode, '--env-file-if-exists=.env', 'apps/server/src/main.ts', ...rest], {
        cwd: root,
        // Half of a start is compiling what was compiled the last time.
        env: { ...env, NODE_COMPILE_CACHE: join(root, '.toolchain/compile-cache') },
        shielded: true,
      }),
  },
  demo: {
    needs: ['install', 'generate'],
    run: ({ node, env }, rest) =>
      handOver([node, quietNode, 'apps/server/src/commands/demo.ts', ...rest], { cwd: root, env }),
  },
  test: {
    needs: ['install', 'generate', 'sdk'],
    run: (toolchain, rest) => runTool(toolchain, ['vitest', 'run', ...rest]),
  },
  'test:quick': {
    needs: ['install', 'generate'],
    run: (toolchain, rest) => runTool(toolchain, ['vitest', 'run', '--project', 'unit', ...rest]),
  },
  check: {
    needs: ['install', 'generate'],
    run: (toolchain) => check(root, toolchain),
  },
  bench: {
    needs: ['install', 'generate'],
    run: ({ node, env }, [name, ...rest]) =>
      handOver([node, quietNode, `bench/${name}.ts`, ...rest], { cwd: root, env }),
  },
  format: {
    needs: ['install', 'generate'],
    run: async (toolchain) => {
      const fixed = await runTool(toolchain, ['eslint', '--fix', '.']);
      return (await runTool(toolchain, ['prettier', '--write', '--log-level=warn', '.'])) || fixed;
    },
  },
  // Only the toolchain: this is also where a lock file that does not fit is mended.
  shell: {
    needs: [],
    run: ({ env }, rest) => {
      const command = rest.length > 0 ? rest : [process.env.SHELL ?? '/bin/sh'];
      if (rest.length === 0)
        say('a shell with the project’s node, pnpm and tools on its PATH; `exit` leaves it');
      // npm moves to the package's folder and keeps where the person was in INIT_CWD.
      return handOver(command, { cwd: process.env.INIT_CWD ?? process.cwd(), env });
    },
  },
};

/**
 * Runs one command to its end.
 * @param {string[]} argv the command's name and its arguments
 * @returns {Promise<number>} the exit code
 */
export async function main([name, ...rest]) {
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  if (command === undefined) {
    const known = Object.keys(commands).join(', ');
    console.error(
      `${name === undefined ? 'Say what to run' : `There is no command "${name}"`}: one of ${known}.`,
    );
    return 2;
  }
  if (name === 'bench' && !benches().has(rest[0])) return listBenches(rest[0]);
  try {
    return await command.run(await prepare(root, command.needs), rest);
  } catch (error) {
    const problem =
      error.syscall === undefined ? error : new Problem(error.message, adviceFor(error.message));
    if (!(problem instanceof Problem)) throw error;
    console.error(`\n${problem.message}.\n${problem.advice}`);
    return 1;
  }
}

/** A development tool, run as `[name, ...arguments]`. */
function runTool({ node, env }, [name, ...rest]) {
  return handOver([node, programOf(root, name), ...rest], { cwd: root, env });
}

/** The measurements in bench/, each with the comment that its first line is. */
function benches() {
  const folder = join(root, 'bench');
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.ts')) : [];
  return new Map(
    files.sort().map((file) => {
      const [firstLine] = readFileSync(join(folder, file), 'utf8').split('\n', 1);
      return [file.slice(0, -'.ts'.length), firstLine.replace(/^\/\/\s*/, '')];
    }),
  );
}

function listBenches(asked) {
  if (asked !== undefined) console.error(`There is no bench "${asked}".`);
  console.log('npm run bench -- <name> [arguments], where the name is one of:');
  for (const [name, comment] of benches()) console.log(`  ${name.padEnd(20)} ${comment}`);
  return asked === undefined ? 0 : 1;
}
