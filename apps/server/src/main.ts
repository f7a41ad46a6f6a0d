// The process: reads the settings, starts, says where it is, and ends well when told to.
import { createApp, baseUrl } from './app.ts';
import { compose } from './compose.ts';
import { readSettings, SettingsError } from './env.ts';
import { createLogger } from './logger.ts';
import { SecretKeyError } from '@insightloop/adapters/secrets';
import { AppError } from '@insightloop/core';
import type { FastifyInstance } from 'fastify';

/** Requests that are under way get this long before their connections are cut. */
const shutdownMs = 10_000;

async function main(): Promise<void> {
  const settings = readSettings();
  const logger = createLogger(settings.logLevel);
  const signalled = nextSignal();
  let app: FastifyInstance | null = null;
  const composition = await compose(settings, { logger, listeningUrl: () => (app ? baseUrl(app) : '') });
  app = await createApp(composition.parts);
  try {
    await app.listen({ host: settings.host, port: settings.port });
    await composition.restore();
    process.stdout.write(welcome(settings.publicUrl ?? baseUrl(app)));
    const signal = await Promise.race([signalled, composition.lost]);
    logger.info({ signal }, 'ending');
  } finally {
    composition.drain();
    const deadline = setTimeout(() => {
      logger.error({}, 'did not end in time');
      process.exit(1);
    }, shutdownMs).unref();
    await app.close();
    await composition.close();
    clearTimeout(deadline);
  }
}

/** A launcher that ends may pass one signal on several times within a moment: those are one. */
const sameSignalMs = 1_000;

/** The first signal resolves; a later one is somebody who will not wait, and ends us at once. */
const nextSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    let firstAt: number | null = null;
    const onSignal = (signal: NodeJS.Signals): void => {
      firstAt ??= Date.now();
      if (Date.now() - firstAt > sameSignalMs) process.exit(1);
      resolve(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });

const welcome = (url: string): string => `
InsightLoop is ready at ${url}
  Documentation  ${url}/docs

Try:
  curl ${url}/health
  curl ${url}/api/servers
  curl ${url}/api/servers/filesystem

`;

/** What a person can mend is told in words; everything else with its stack. */
function explain(error: unknown): string {
  const told = [SettingsError, SecretKeyError, AppError];
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    return `${error.message}. Another program listens there: end it, or set API_PORT.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`InsightLoop cannot go on: ${explain(error)}\n`);
  process.exitCode = 1;
}
