// READMEs as blocks, tables and lines.
import { describe, expect, it } from 'vitest';
import { codeSpans, readMarkdown } from './markdown.ts';

describe('a README', () => {
  it('gives each block its language, its headings and the words before it', () => {
    const { blocks, title } = readMarkdown(
      '# Title\n\n## Install\n\nDo this:\n\n```json title="x"\n{"a": 1}\n```\n\n## Other\n\n> ```sh\n> npx a\n> ```\n',
    );
    expect(title).toBe('Title');
    expect(blocks).toEqual([
      { language: 'json', text: '{"a": 1}', headings: ['Title', 'Install'], lead: 'Do this:', line: 7 },
      { language: 'sh', text: 'npx a', headings: ['Title', 'Other'], lead: 'Do this:', line: 13 },
    ]);
  });

  it('reads blocks in <pre>, in items, and one that is never closed', () => {
    const { blocks } = readMarkdown(
      '<pre><code>{&quot;a&quot;: 1}</code></pre>\n- ```sh\n  npx b\n  ```\n```\nopen',
    );
    expect(blocks.map(({ text }) => text.trim())).toEqual(['{"a": 1}', 'npx b', 'open']);
  });

  it('titles what a <details> folds away by its summary, until it ends', () => {
    const { lines } = readMarkdown('# A\n<details>\n<summary><b>Docker</b></summary>\nx\n</details>\ny');
    expect(lines.find(({ text }) => text === 'x')?.headings).toEqual(['A', 'Docker']);
    expect(lines.find(({ text }) => text === 'y')?.headings).toEqual(['A']);
  });

  it('reads tables, with bars inside of code', () => {
    const { tables } = readMarkdown('| Variable | Meaning |\n|---|:---:|\n| `A_B` | `x|y` \\| z |\n\nend');
    expect(tables).toMatchObject([{ header: ['Variable', 'Meaning'], rows: [['`A_B`', '`x|y` | z']] }]);
  });

  it('takes no table for one without its ruler', () => {
    expect(readMarkdown('| a | b |\n| c | d |').tables).toEqual([]);
  });

  it('does not read on for ever', () => {
    const { lines } = readMarkdown('x\n'.repeat(300_000));
    expect(lines.length).toBeLessThan(200_000);
    expect(readMarkdown(`${'\n'.repeat(50_000)}end`).lines).toMatchObject([{ text: 'end', line: 50_001 }]);
  });

  it('finds spans of code', () => {
    expect(codeSpans('Use `A` or `B C`, and ` unclosed')).toEqual(['A', 'B C']);
  });
});
