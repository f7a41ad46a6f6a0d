// The launcher behind the root package's npm scripts: `node scripts/launch.mjs <command> [arguments]`.
// It is plain JavaScript without dependencies, because it runs before anything is installed, on any Node from 18 on.

const major = Number(process.versions.node.split('.')[0]);
if (major < 18) {
  console.error(
    `This needs Node 18 or newer to begin with (it then fetches what else it needs); this is ${process.version}.\n` +
      'Install a current Node.js with npm from your system or from nodejs.org, then run the same command again.',
  );
  process.exit(1);
}

// Imported only now, so that an old Node reads the message above and not a syntax error.
const { main } = await import('./commands.mjs');
process.exitCode = await main(process.argv.slice(2));
