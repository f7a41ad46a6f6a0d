// The docs page in a real browser: it shows the operations, and asks no other host for anything.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noChromium, startChromium } from './support/chromium.ts';
import { startServer, type RunningServer } from './support/running-server.ts';

let server: RunningServer;
beforeAll(async () => void (server = await startServer()));
afterAll(async () => void (await server.stop()));

describe('the docs page', () => {
  it('in a browser shows every operation, without an error and without a request to another host', async (test) => {
    if (noChromium !== null) {
      if (process.env['CI'] === 'true') throw new Error(noChromium);
      console.warn(`The docs page is not tested: ${noChromium}.`);
      test.skip(noChromium);
      return;
    }
    await using browser = await startChromium();
    const page = await browser.context.newPage();
    const requested: string[] = [];
    const problems: string[] = [];
    browser.context.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('requestfailed', (request) => problems.push(`${request.url()} failed`));

    await page.goto(`${server.baseUrl}/docs`);
    await page.waitForSelector('.opblock');
    const blocks = await page.locator('.opblock').allTextContents();
    const shown = blocks.map((text) => text.replace(/[\s\u200b]+/g, ' '));
    const document = (await (await fetch(`${server.baseUrl}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { summary: string }>>;
    };
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { summary }]) => ({
        method: method.toUpperCase(),
        path,
        summary,
      })),
    );
    expect(shown).toHaveLength(documented.length);
    for (const { method, path, summary } of documented)
      expect(
        shown.some((text) => text.includes(method) && text.includes(path) && text.includes(summary)),
      ).toBe(true);

    // Trying it out goes to this server, through its own gate.
    const health = page.locator('#operations-System-system_health');
    await health.locator('.opblock-summary-control').click();
    await health.getByRole('button', { name: 'Try it out' }).click();
    await health.getByRole('button', { name: 'Execute' }).click();
    await health.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();

    expect(problems).toEqual([]);
    const hosts = new Set(
      requested.filter((url) => !url.startsWith('data:')).map((url) => new URL(url).origin),
    );
    expect([...hosts]).toEqual([server.baseUrl]);
  });

  it('lets no other page frame it, and no other host into it', async () => {
    const answer = await fetch(`${server.baseUrl}/docs`);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = answer.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    const html = await answer.text();
    expect([...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url)).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/^(https?:)?\/\//)]),
    );
  });

  it.each([
    '/docs/../package.json',
    '/docs/%2e%2e%2fpackage.json',
    '/docs/package.json',
    '/docs/swagger-ui.js.map',
  ])('gives away no other file: %s', async (path) => {
    expect((await fetch(server.baseUrl + path)).status).toBe(404);
  });
});
