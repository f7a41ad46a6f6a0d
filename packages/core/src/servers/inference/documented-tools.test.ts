// Which words of a README are names of tools, and which describe them.
import { describe, expect, it } from 'vitest';
import { documentedTools } from './documented-tools.ts';
import { readMarkdown } from './markdown.ts';

const toolsIn = (...lines: string[]): string[] =>
  documentedTools(readMarkdown(['# A server', '## Tools', ...lines].join('\n')));

describe('documented tools', () => {
  it('are named by numbered headings, whose items are parameters', () => {
    expect(
      toolsIn(
        '### 1. items_list:',
        'Lists items',
        '- `limit` how many',
        '#### Notes',
        '- `cursor` where to go on',
        '### 2. items_get',
        '- **Parameters:**',
        '  - `item_id` (string, required): which',
      ),
    ).toEqual(['items_list', 'items_get']);
  });

  it('are named by an item with the label "Name"', () => {
    expect(
      toolsIn(
        '### 1. Look Up Tool',
        '- Name: `look_up`',
        '- Parameters:',
        '  * `address` (required): which',
        '### 2. Find Tool',
        '- Name: `find`',
      ),
    ).toEqual(['look_up', 'find']);
  });

  it('stand in the title of a heading for people', () => {
    expect(toolsIn('### Ring Up (`ring_up`)', '**Parameters:**', '- `query` (string): what')).toEqual([
      'ring_up',
    ]);
  });

  it('are not what follows the word for parameters, until the next tool', () => {
    expect(
      toolsIn('**`first_tool`**', '', 'Parameters:', '- `query` what', '- **second_tool** - does it'),
    ).toEqual(['first_tool', 'second_tool']);
  });

  it('are not typed parameters, literals, headers or names of groups', () => {
    expect(
      toolsIn(
        '- `limit` (number, optional): how many',
        '- `name`: string',
        '- `true` or `false`',
        '- `X-Request-Id`: a header',
        '- `matrix` tools to add and multiply',
        '- `readOnlyHint` is set',
        '- `real_tool` does it',
      ),
    ).toEqual(['real_tool']);
  });

  it('may be one bold word, alone', () => {
    expect(toolsIn('- **cut_wood**', '  - Reads', '- **saw**', '  - Shows', '- **Fast** and small')).toEqual([
      'cut_wood',
      'saw',
    ]);
  });

  it('are not a program’s commands, nor a heading that names a group', () => {
    expect(
      toolsIn('### CLI Commands', '| Command | Does |', '|---|---|', '| `serve` | serves |').concat(
        toolsIn('### BigTable Tools', '- `seek` seeks', '- `count` counts'),
      ),
    ).toEqual(['seek', 'count']);
  });

  it('may be announced by a sentence, outside of a section of their own', () => {
    const listed = (lead: string): string[] =>
      documentedTools(readMarkdown(`# A server\n## Usage\n${lead}\n\n- \`list_it\`: lists\n- \`it\`: is\n`));
    expect(listed('The server exposes the following tools:')).toEqual(['list_it']);
    expect(listed('These tools are available to the model:')).toEqual(['list_it']);
    expect(listed('The following tools have to be installed:')).toEqual([]);
    expect(listed('It reads these settings:')).toEqual([]);
  });

  it('stand in the column for them, anywhere', () => {
    const table = ['| Tool | Default |', '|---|---|', '| `get_it` | `true` |'];
    expect(toolsIn(...table)).toEqual(['get_it']);
    expect(documentedTools(readMarkdown(['# A server', ...table].join('\n')))).toEqual(['get_it']);
  });
});
