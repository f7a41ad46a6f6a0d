// The redactor: every form of a secret goes, everything else stays as it is.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from './redactor.ts';

const awkward = 'pä"ss/w\\o+rd =&%!\'()*~🎉';
const secrets = [
  'sk-live-0123456789abcdef',
  awkward,
  'six666',
  '-----BEGIN KEY-----\nMIIEvgIBADANBgkq\nhkiG9w0BAQ==\n-----END KEY-----\n',
];
const redactor = createRedactor(secrets);

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('text', () => {
  it.each(['sk-live-0123456789abcdef', awkward, 'six666'])('hides %j in each form', (secret) => {
    const forms = [
      secret,
      JSON.stringify(secret).slice(1, -1),
      JSON.stringify(JSON.stringify(secret)).slice(3, -3),
      JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/'),
      encodeURIComponent(secret),
      encodeURIComponent(secret).replace(/%[\dA-F]{2}/g, (escape) => escape.toLowerCase()),
      encodeURI(secret),
      new URLSearchParams({ secret }).toString().slice('secret='.length),
      Buffer.from(secret).toString('hex'),
      Buffer.from(secret).toString('hex').toUpperCase(),
      base64(secret),
      base64(secret).replaceAll('=', ''),
      Buffer.from(secret).toString('base64url'),
    ];
    for (const form of forms) {
      expect(redactor.text(form), form).toBe('[redacted]');
      expect(redactor.text(`before ${form} after ${form}`)).toBe('before [redacted] after [redacted]');
    }
  });

  it('hides what Python writes', () => {
    expect(redactor.text('p\\u00e4\\"ss/w\\\\o+rd =&%!\'()*~\\ud83c\\udf89')).toBe('[redacted]');
    expect(redactor.text('p%C3%A4%22ss/w%5Co%2Brd%20%3D%26%25%21%27%28%29%2A~%F0%9F%8E%89')).toBe(
      '[redacted]',
    );
  });

  it('hides a secret anywhere in a longer base64, all but the bits that it shares with its neighbours', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...secrets.slice(0, 3)),
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.boolean(),
        (secret, before, after, isUrlSafe) => {
          const encoded = base64(before + secret + after);
          const text = redactor.text(
            isUrlSafe ? Buffer.from(encoded, 'base64').toString('base64url') : encoded,
          );
          expect(text).toContain('[redacted]');
          const rest = text.split('[redacted]').map((part) => Buffer.from(part, 'base64').toString('latin1'));
          for (const part of rest) expect(part).not.toContain(secret.slice(2, -2));
          // At most 2 characters on each side are made of bits of the secret, and the padding.
          const kept = text.length - '[redacted]'.length;
          const own = Buffer.byteLength(before) + Buffer.byteLength(after);
          expect(kept).toBeLessThanOrEqual(Math.ceil((own * 8) / 6) + 4);
        },
      ),
    );
  });

  it('hides each line of a secret of several lines', () => {
    expect(redactor.text('key: MIIEvgIBADANBgkq')).toBe('key: [redacted]');
    expect(redactor.text(secrets[3]?.trim() ?? '')).toBe('[redacted]');
  });

  it('hides the password of a URL, as it stands there and as it is meant', () => {
    const { text } = createRedactor(['postgres://admin:p%40ssw0rd@db.example:5432/main']);
    expect(text('password p@ssw0rd is wrong, or p%40ssw0rd')).toBe(
      'password [redacted] is wrong, or [redacted]',
    );
    expect(text('user admin at db.example')).toBe('user admin at db.example');
  });

  it('takes the longest where several begin, and finds neighbours', () => {
    const { text } = createRedactor(['secret', 'secret-one', 'secret-one-two']);
    expect(text('secret-one-two secret-one secret secretsecret')).toBe(
      '[redacted] [redacted] [redacted] [redacted][redacted]',
    );
  });

  it('passes over short values, and hides long ones', () => {
    const long = 'ab+/0'.repeat(30_000);
    const { text } = createRedactor(['', '12345', 'five5', long]);
    expect(text('12345 five5')).toBe('12345 five5');
    expect(text(`<${long}>`)).toBe('<[redacted]>');
    expect(text(base64(long))).toBe('[redacted]');
  });

  it('leaves every other text as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        fc.pre(!text.includes('six666'));
        expect(redactor.text(text)).toBe(text);
      }),
    );
  });

  it('agrees with a search place by place', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 6, maxLength: 9 });
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 4 }),
        fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 60 }),
        (words, text) => {
          const longestFirst = [...words].sort((a, b) => b.length - a.length);
          let expected = '';
          for (let at = 0; at < text.length;) {
            const found = longestFirst.find((word) => text.startsWith(word, at));
            expected += found ? '[redacted]' : text.charAt(at);
            at += found?.length ?? 1;
          }
          expect(createRedactor(words).text(text)).toBe(expected);
        },
      ),
    );
  });
});

describe('json', () => {
  const secret = 'sk-live-0123456789abcdef';

  it('hides secrets in values and keys at any depth, and keeps the rest', () => {
    const date = new Date(0);
    expect(
      redactor.json({
        list: [1, null, true, { [`key ${secret}`]: `value ${secret}` }],
        same: ['x'],
        date,
        text: secret,
      }),
    ).toEqual({
      list: [1, null, true, { 'key [redacted]': 'value [redacted]' }],
      same: ['x'],
      date,
      text: '[redacted]',
    });
  });

  it('gives back the same reference where there is nothing to hide, and changes nothing in place', () => {
    const untouched = { a: [1, { b: 'text' }], nan: Number.NaN };
    expect(redactor.json(untouched)).toBe(untouched);
    const touched = Object.freeze({ kept: untouched, gone: Object.freeze([secret]) });
    const result = redactor.json(touched);
    expect(result).toEqual({ kept: untouched, gone: ['[redacted]'] });
    expect(result.kept).toBe(untouched);
    const nothing = createRedactor(['short']);
    expect(nothing.json(touched)).toBe(touched);
    expect(nothing.text(secret)).toBe(secret);
  });

  it('survives what a hostile server sends', () => {
    const polluting: unknown = JSON.parse(`{"__proto__": {"x": "${secret}"}, "constructor": "${secret}"}`);
    expect(JSON.stringify(redactor.json(polluting))).toBe(
      '{"__proto__":{"x":"[redacted]"},"constructor":"[redacted]"}',
    );
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}"${secret}"${']'.repeat(100_000)}`);
    expect(JSON.stringify(redactor.json(deep))).not.toContain(secret);
  });
});
