// The last lines of an installer, and what is taken out of them.
import { describe, expect, it } from 'vitest';
import { createOutputRedactor, createTranscript, keptLines } from './package-transcript.ts';

describe('createTranscript', () => {
  it('keeps the last lines of both streams, in the order in which they ended', () => {
    const transcript = createTranscript((text) => text);
    transcript.push('stderr', Buffer.from('half'));
    transcript.push('stdout', Buffer.from('out\n\n'));
    transcript.push('stderr', Buffer.from(' a line\nrest'));
    transcript.end();
    expect(transcript.lines()).toEqual(['out', 'half a line', 'rest']);
    expect(transcript.stdout()).toBe('out\n\n');
  });

  it('has an end, however much is printed', () => {
    const transcript = createTranscript((text) => text);
    const chunk = Buffer.from(`${'x'.repeat(100_000)}\n`);
    for (let count = 0; count < 500; count += 1) transcript.push('stdout', chunk);
    transcript.end();
    expect(transcript.lines()).toHaveLength(keptLines);
    expect(transcript.lines().join('').length).toBeLessThan(100_000);
    expect(transcript.stdout()).toHaveLength(1024 * 1024);
  });
});

describe('createOutputRedactor', () => {
  const redact = createOutputRedactor(['hush/hush', '']);

  it('takes out a secret in each of its forms, and leaves other words alone', () => {
    const base64 = Buffer.from('hush/hush').toString('base64');
    expect(redact(`a hush/hush b ${base64} c hush%2Fhush d hush`)).not.toMatch(/hush\/|hush%|aHVzaC/);
    expect(redact('nothing of it, just hush')).toBe('nothing of it, just hush');
  });

  it('takes users out of addresses, and what looks like a token of npm', () => {
    expect(redact(`GET https://me:pw@host/x npm_${'a1'.repeat(18)}`)).toBe(
      'GET https://[redacted]@host/x [redacted]',
    );
  });
});
