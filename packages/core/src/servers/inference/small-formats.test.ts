// TOML, YAML and shell words, as far as they are read.
import { describe, expect, it } from 'vitest';
import { readToml } from './toml.ts';
import { readYaml } from './yaml.ts';

describe('TOML', () => {
  it('reads tables, dotted keys, arrays over several lines and inline tables', () => {
    const source = `
name = "top" # comment
[project]
dependencies = [
  "mcp>=1", # an SDK
  'httpx',
]
urls = { Source = "https://github.com/o/r" }
[tool.poetry.scripts]
run-it = "a:b"
[[bin]]
name = "one"
[[bin]]
name = "two"
`;
    expect(readToml(source)).toEqual({
      name: 'top',
      project: { dependencies: ['mcp>=1', 'httpx'], urls: { Source: 'https://github.com/o/r' } },
      tool: { poetry: { scripts: { 'run-it': 'a:b' } } },
      bin: [{ name: 'one' }, { name: 'two' }],
    });
  });

  it('reads on after lines that are no TOML', () => {
    expect(readToml('= 3\n???\n[a]\nb = 1\n[[[')).toMatchObject({ a: { b: '1' } });
  });

  it('keeps __proto__ a key', () => {
    const value = readToml('[__proto__]\npolluted = true\n');
    expect(Object.hasOwn(value, '__proto__')).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('YAML', () => {
  it('reads mappings, sequences, quoted scalars and block text', () => {
    const source = `
startCommand:
  type: stdio # comment
  configSchema:
    required:
      - apiKey
    properties:
      apiKey: { type: string }
      other:
        default: "a: b"
  commandFunction: |-
    (config) => ({ env: { A: config.apiKey } })
list:
  - name: one
    value: 1
  - plain
`;
    expect(readYaml(source)).toEqual({
      startCommand: {
        type: 'stdio',
        configSchema: {
          required: ['apiKey'],
          properties: { apiKey: { type: 'string' }, other: { default: 'a: b' } },
        },
        commandFunction: '(config) => ({ env: { A: config.apiKey } })',
      },
      list: [{ name: 'one', value: '1' }, 'plain'],
    });
  });

  it('survives what is none', () => {
    expect(() => readYaml(`${'- '.repeat(5000)}\n${' '.repeat(500)}: :\n&a *b !c`)).not.toThrow();
    expect(readYaml('')).toBeNull();
  });
});
