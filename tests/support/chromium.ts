// A headless Chromium of this machine, each time as if it had never been started before.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';

const program = '/usr/bin/chromium';

/** Why there is none, in words for whoever reads the tests; null when there is. */
export const noChromium = existsSync(program)
  ? null
  : `there is no ${program} (Debian: apt-get install chromium)`;

export interface Browser extends AsyncDisposable {
  context: BrowserContext;
}

/** It asks nobody for anything by itself: what it requests, the page under test wanted. */
export async function startChromium(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'insightloop-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context,
    [Symbol.asyncDispose]: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}
