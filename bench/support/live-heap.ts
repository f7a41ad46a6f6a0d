// Loaded into a process that is measured (with --expose-gc): on SIGUSR2 it collects its garbage and says on stderr what is
// left. Resident memory alone would tell how lazy the collector is, not what is held.
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  process.stderr.write(`live heap ${process.memoryUsage().heapUsed}\n`);
});
