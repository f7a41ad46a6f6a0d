// An MCP server with bad manners: how bad, its first argument and its tools say.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { serve } from './protocol.mjs';

const stayAlive = () => setInterval(() => {}, 1 << 30);
const mebibyte = 1024 * 1024;

const modes = {
  /** Says why on stderr, and never a word of the protocol. */
  silent() {
    console.error('waiting for a licence key that never comes');
    stayAlive();
  },
  garbage() {
    process.stdout.write('Welcome to my server!\n\u0000\u001b[31m{"jsonrpc":"2.0"\n{]}\n');
    process.stderr.write('I print what I like\n');
    createInterface({ input: process.stdin }).on('line', () => process.stdout.write('<html>no</html>\n'));
    stayAlive();
  },
  /** Garbage, but around a server that works. */
  chatty() {
    process.stdout.write('Starting up…\n{"not": "a message"}\n');
    modes.polite();
  },
  dies() {
    console.error('no database at 10.0.0.1');
    process.exit(7);
  },
  /** Half of what it should say, then gone. */
  cut() {
    process.stdout.write('{"jsonrpc":"2.0","id":1,"res', () => process.exit(0));
  },
  hogAtStart() {
    console.error('allocating');
    hog();
  },
  crashLoop() {
    modes.polite();
    setTimeout(() => process.exit(1), Number(process.argv[3] ?? 500));
  },
  polite() {
    serve({
      echo: ({ message }) => message,
      environment: () => process.env,
      big: ({ mebibytes }) => 'x'.repeat(mebibytes * mebibyte),
      hog: () => {
        hog();
        return 'begun';
      },
      crash: ({ code }) => {
        console.error('as you wish');
        process.exit(code ?? 1);
      },
      say: ({ text }) => {
        process.stderr.write(`${text}\n`);
        return 'said';
      },
      /** Answers after so many reports of progress. */
      slow: async ({ steps, everyMs }, { progress }) => {
        for (let step = 1; step <= steps; step += 1) {
          await new Promise((resolve) => setTimeout(resolve, everyMs));
          progress(step);
        }
        return `after ${steps} steps`;
      },
      read: ({ path }) => {
        try {
          return readFileSync(path, 'utf8');
        } catch (error) {
          return error.code;
        }
      },
      write: ({ path, text }) => {
        writeFileSync(path, text);
        return 'written';
      },
    });
  },
};

function hog() {
  const kept = [];
  setInterval(() => kept.push(Buffer.alloc(16 * mebibyte, 1)), 1);
}

modes[process.argv[2] ?? 'polite']();
