// What documents, files and examples say of variables: what is required, what is a choice, what is no variable of a user.
import { describe, expect, it } from 'vitest';
import { environmentBlock, readEnvironmentFile } from './environment-files.ts';
import { inferLaunch } from './infer-launch.ts';
import { type Inference } from './inference.ts';

const json = (value: unknown): string => JSON.stringify(value);
const client = (server: object): string =>
  `\`\`\`json\n${JSON.stringify({ mcpServers: { it: server } }, null, 2)}\n\`\`\`\n`;
const npx = { command: 'npx', args: ['-y', 'weather-mcp'] };
const shell = (text: string): string => `\`\`\`sh\n${text}\n\`\`\`\n`;
const intro = '# Weather MCP Server\n\nAn MCP server for the weather.\n\n';

const infer = (readme: string, files: Record<string, string> = {}): Inference =>
  inferLaunch({
    repository: { full_name: 'some-owner/weather-mcp-server' },
    files: new Map(Object.entries({ 'README.md': intro + readme, ...files })),
  });
const required = ({ env }: Inference): string[] =>
  env.filter((variable) => variable.required).map(({ name }) => name);
const table = (...rows: string[]): string =>
  `## Environment variables\n\n${rows.map((row) => `| ${row} |`).join('\n')}\n`;

describe('a required variable', () => {
  it('is one that the column of defaults calls required, and not one whose default has this name', () => {
    const result = infer(
      client(npx) +
        table(
          'Variable | Default | Description',
          '---|---|---',
          '`WEATHER_KEY` | *(required)* | Key',
          '`WEATHER_CERTS` | `"required"` | Whether to check',
          '`WEATHER_PLACES` | all places | Which places',
          '`WEATHER_RULES` | `""` | **MANDATORY** list. Requires `WEATHER_WRITE=true`.',
        ),
    );
    expect(required(result)).toEqual(['WEATHER_KEY']);
    const defaults = Object.fromEntries(result.env.map((variable) => [variable.name, variable.default]));
    expect(defaults).toMatchObject({ WEATHER_CERTS: 'required', WEATHER_PLACES: null });
  });

  it('is not one with a default in an item within its own', () => {
    const list =
      'Required environment variables:\n\n- `WEATHER_KEY`: a key\n- `WEATHER_ZONE`: a zone\n  - Default: `north`\n  - Kept for a day\n- `WEATHER_UNIT`: a unit\n  - Default: None\n';
    const result = infer(client(npx) + list);
    expect(required(result)).toEqual(['WEATHER_KEY', 'WEATHER_UNIT']);
    expect(result.env.find(({ name }) => name === 'WEATHER_ZONE')?.default).toBe('north');
  });

  it('is one that an example fills with a mailbox that nobody has', () => {
    const env = { WEATHER_EMAIL: 'you@example.com', WEATHER_REALM: 'ops@weather.io' };
    expect(required(infer(client({ ...npx, env })))).toEqual(['WEATHER_EMAIL']);
  });

  it('is one that the example file calls required, though it shows where it may be', () => {
    const examples =
      '# Required: where it is\nWEATHER_URL=http://localhost:5678/v1\n# Required: unit\nWEATHER_UNIT=c\n';
    expect(required(infer('```sh\nnpm install -g weather-mcp\n```\n', { '.env.example': examples }))).toEqual(
      ['WEATHER_URL'],
    );
  });

  it('stands in a command that has its own variables', () => {
    const zed = {
      context_servers: {
        it: { command: { path: 'npx', args: ['-y', 'weather-mcp'], env: { WEATHER_KEY: '<key>' } } },
      },
    };
    const blocks = `${client({ ...npx, env: { WEATHER_KEY: '<key>' } })}\`\`\`json\n${json(zed)}\n\`\`\`\n`;
    expect(required(infer(blocks))).toEqual(['WEATHER_KEY']);
  });

  it('is no constant that programs import', () => {
    const text =
      'Set environment variables, or use the `OVERRIDES_KEY` of the state:\n\n```python\nfrom weather import OVERRIDES_KEY\n```\nThe environment knows `WEATHER_ZONE`.\n';
    expect(infer(client(npx) + text).env.map(({ name }) => name)).toEqual(['WEATHER_ZONE']);
  });

  it('is not what is only required with another one', () => {
    const rows = [
      'Variable | Description',
      '---|---',
      '`WEATHER_RULES` | **MANDATORY** list. Requires `WEATHER_WRITE=true`.',
    ];
    expect(required(infer(client(npx) + table(...rows)))).toEqual([]);
  });

  it.each([
    'The following environment variables must be set:',
    'Required environment variables:',
    '### Required settings',
    'You must provide:',
  ])('stands in the list under "%s"', (title) => {
    const list = `${title}\n\n- \`WEATHER_KEY\`: a key\n- \`WEATHER_USER\`: a name\n  that you have\n- \`WEATHER_ZONE\`: a zone (default: \`north\`)\n\nOptional variables:\n\n- \`WEATHER_UNIT\`: a unit\n`;
    expect(required(infer(client(npx) + list))).toEqual(['WEATHER_KEY', 'WEATHER_USER']);
  });

  it.each([
    'The following variables are required if you use HTTP:',
    'One of these variables must be set:',
    'Optional environment variables:',
  ])('does not stand in the list under "%s"', (title) => {
    expect(required(infer(`${client(npx)}${title}\n\n- \`WEATHER_KEY\`: a key\n`))).toEqual([]);
  });

  it('is named by a sentence, until it says "optionally", and not where its own section knows better', () => {
    const text =
      'The following are required: `WEATHER_KEY`, `WEATHER_PLACE` and optionally `WEATHER_UNIT`.\n\n### WEATHER_PLACE\n\nThis is **only required if** you use places.\n';
    expect(required(infer(client(npx) + text))).toEqual(['WEATHER_KEY']);
  });

  it('stays so where a bare command line shows nothing, but not where a configuration shows none', () => {
    const asked = client({ ...npx, env: { WEATHER_KEY: '<key>' } });
    expect(required(infer(asked + shell('npx -y weather-mcp')))).toEqual(['WEATHER_KEY']);
    expect(required(infer(asked + client(npx)))).toEqual([]);
    expect(required(infer(asked + shell('claude mcp add it -- npx -y weather-mcp')))).toEqual([]);
  });

  it('is counted in the ways that one has to build where there is nothing else', () => {
    const built = {
      command: 'node',
      args: ['/path/to/build/index.js'],
      env: { WEATHER_KEY: '<key>', WEATHER_UNIT: 'C' },
    };
    expect(required(infer(client(built)))).toEqual(['WEATHER_KEY']);
  });

  it('is none that only has a default for what a call may say', () => {
    const asked = client({ ...npx, env: { WEATHER_PLACE: 'your-place', WEATHER_CITY: 'your-city' } });
    const rows = [
      'Variable | Description',
      '---|---',
      '`WEATHER_PLACE` | Name of the default place to use',
      '`WEATHER_CITY` | The city',
    ];
    expect(required(infer(asked + table(...rows)))).toEqual(['WEATHER_CITY']);
  });

  it('is told by a schema for a platform, where others know the name', () => {
    const smithery = (name: string): string =>
      `startCommand:\n  configSchema:\n    type: object\n    required:\n      - key\n    properties:\n      key:\n        type: string\n  commandFunction: |-\n    (config) => ({ command: 'node', env: { ${name}: config.key } })\n`;
    const readme = `${client(npx)}Set the \`WEATHER_KEY\` environment variable.\n`;
    expect(required(infer(readme, { 'smithery.yaml': smithery('WEATHER_KEY') }))).toEqual(['WEATHER_KEY']);
    expect(required(infer(readme, { 'smithery.yaml': smithery('WTHR_KEY') }))).toEqual([]);
  });

  it('is shown by the README’s block for `.env` and the example file, where no configuration sets any', () => {
    const block =
      '## Configure\n\n```env\nWEATHER_URL=https://your-host:80\nWEATHER_USER=admin\n# WEATHER_KEY=<key>\n```\n';
    const example = { '.env.example': 'WEATHER_URL=https://localhost:80\nWEATHER_HOST=<host>\n' };
    expect(required(infer(client(npx) + block, example))).toEqual(['WEATHER_URL']);
    expect(required(infer(client(npx) + block))).toEqual([]);
    expect(required(infer(client({ ...npx, env: { WEATHER_ZONE: 'north' } }) + block, example))).toEqual([]);
  });
});

describe('alternative sets', () => {
  const sets = (readme: string, files: Record<string, string> = {}): string[][] =>
    infer(readme, files).required_env_any_of;

  it('come from footnoted marks and descriptions that name the others by a part', () => {
    const rows = [
      'Variable | Required? | Default | Description',
      '---|---|---|---',
      '`WEATHER_XA_TOKEN` | Yes* | `nil` | One half',
      '`WEATHER_XB_TOKEN` | Yes* | `nil` | Other half',
      '`WEATHER_XUSR_TOKEN` | Yes* | `nil` | User token, alternative to xacc/xbrw',
      '`WEATHER_XACC_TOKEN` | Yes* | `nil` | Access token',
      '`WEATHER_XBRW_TOKEN` | Yes* | `nil` | Browser token',
    ];
    const result = infer(client(npx) + table(...rows));
    expect(required(result)).toEqual([]);
    expect(result.required_env_any_of).toEqual([
      ['WEATHER_XACC_TOKEN', 'WEATHER_XBRW_TOKEN'],
      ['WEATHER_XUSR_TOKEN'],
    ]);
  });

  it('keep a name and its password together', () => {
    const rows = [
      'Variable | Description',
      '---|---',
      '`WEATHER_TOKEN` | A token',
      '`WEATHER_USERNAME` | A name (alternative to `WEATHER_TOKEN`)',
      '`WEATHER_PASSWORD` | A password (alternative to `WEATHER_TOKEN`)',
    ];
    expect(sets(client(npx) + table(...rows))).toEqual([
      ['WEATHER_TOKEN'],
      ['WEATHER_USERNAME', 'WEATHER_PASSWORD'],
    ]);
  });

  const token = client({ ...npx, env: { WEATHER_TOKEN: '<token>' } });
  const pair = client({ ...npx, env: { WEATHER_ID: '<id>', WEATHER_SECRET: '<secret>' } });
  const both = client({ ...npx, env: { WEATHER_TOKEN: '<token>', WEATHER_SECRET: '<secret>' } });

  it('come from numbered options that differ in their credentials', () => {
    const options = `## Option 1: Token\n\n${token}## Option 2: Pair\n\n${pair}`;
    const optional =
      '`WEATHER_TOKEN` (optional) and `WEATHER_SECRET` (optional) are environment variables.\n';
    expect(sets(options + optional)).toEqual([['WEATHER_TOKEN'], ['WEATHER_SECRET']]);
    expect(sets(`${options}## Option 3: Nothing\n\n${client(npx)}`)).toEqual([]);
  });

  it('come from examples of every way, one that shows all at once apart', () => {
    const url = { WEATHER_URL: 'https://your.host.io' };
    const user = { WEATHER_USERNAME: '<user>', WEATHER_PASSWORD: '<password>' };
    const examples = [
      client({ ...npx, env: { ...url, WEATHER_TOKEN: '<token>' } }),
      client({ command: 'weather-mcp', args: [], env: { ...url, ...user } }),
      client({ ...npx, env: { ...url, WEATHER_TOKEN: '<token>', ...user } }),
    ].join('');
    expect(sets(examples)).toEqual([
      ['WEATHER_URL', 'WEATHER_TOKEN'],
      ['WEATHER_URL', 'WEATHER_USERNAME', 'WEATHER_PASSWORD'],
    ]);
    expect(sets(token + both)).toEqual([]);
  });

  it('come from a table of methods to authenticate, even where a declaration names one', () => {
    const methods =
      '## Authentication\n\n| Method | Environment variable |\n|---|---|\n| Key | `WEATHER_API_KEY` |\n| OAuth | `WEATHER_ACCESS_TOKEN` |\n';
    const declared = {
      name: 'io.github.some-owner/weather',
      packages: [
        {
          registryType: 'npm',
          identifier: 'weather-mcp',
          environmentVariables: [{ name: 'WEATHER_API_KEY', isRequired: true, isSecret: true }],
        },
      ],
    };
    const listed = 'Set the environment variables `WEATHER_API_KEY` and `WEATHER_ACCESS_TOKEN`.\n';
    expect(sets(client(npx) + listed + methods, { 'server.json': json(declared) })).toEqual([
      ['WEATHER_API_KEY'],
      ['WEATHER_ACCESS_TOKEN'],
    ]);
  });

  it('come from a sentence about a secret that only its value gives away', () => {
    const headers = client({ ...npx, env: { WEATHER_HEADERS: '{"Authorization": "Bearer abc"}' } });
    const text =
      'Set either the `WEATHER_TOKEN` environment variable (recommended) or the `WEATHER_HEADERS` environment variable.\n';
    expect(sets(token + headers + text)).toEqual([['WEATHER_TOKEN'], ['WEATHER_HEADERS']]);
  });

  it('do not come from examples of a kind, nor from what developers do', () => {
    const listed = '- `WEATHER_A_KEY`: a key\n- `WEATHER_B_KEY`: a key\n\n';
    const text = 'Set a provider’s key, such as `WEATHER_A_KEY` or `WEATHER_B_KEY`.\n';
    expect(sets(client(npx) + listed + text)).toEqual([]);
    const dev = '## Local development\n\nAdd either `WEATHER_A_KEY` or `WEATHER_B_KEY`.\n';
    expect(sets(client(npx) + listed + dev)).toEqual([]);
  });

  it('come from the comments of an example file', () => {
    const example =
      'WEATHER_URL=https://x.io\n\n# Option 1\nWEATHER_KEY=<key>\n\n# Option 2\n# WEATHER_TOKEN=\n';
    expect(sets(client(npx), { '.env.example': example })).toEqual([['WEATHER_KEY'], ['WEATHER_TOKEN']]);
  });
});

describe('an example file', () => {
  it('has no variables for tests', () => {
    const { variables, shown } = readEnvironmentFile(
      'A_KEY=\n\n# EVALS\nB_KEY=\n\nC_KEY=\n\n# A file for testing\n# with two lines\nD_KEY=\n\n# e2e tests\nE_KEY=\n\n# Skips questions in automated testing\n# F_FLAG=true\n',
    );
    expect(variables.map(({ name }) => name)).toEqual(['A_KEY', 'F_FLAG']);
    expect([...shown]).toEqual(['A_KEY']);
  });

  it('says what is required where it leaves it open', () => {
    const { variables } = readEnvironmentFile(
      '# Required: a key\nA_KEY=<key>\nA_URL=https://x.io\n\n# Required for HTTP\nB_KEY=\n\n# Optional: a unit\nC_UNIT=\nD_KEY= # required\n',
    );
    expect(variables.map(({ name, required: said }) => [name, said])).toEqual([
      ['A_KEY', true],
      ['A_URL', null],
      ['B_KEY', null],
      ['C_UNIT', false],
      ['D_KEY', true],
    ]);
  });

  it.each([
    ['or', 'A_TOKEN=x\n# or\nA_USER=x\nA_PASSWORD=x\n\nA_ZONE=x\n', [['A_TOKEN'], ['A_USER', 'A_PASSWORD']]],
    [
      'options',
      '# Option 1: token\nA_TOKEN=x\n\n# Option 2: pair\n# A_USER=x\n# A_PASSWORD=x\n',
      [['A_TOKEN'], ['A_USER', 'A_PASSWORD']],
    ],
    [
      'what is not needed',
      '# A ticket; A_USER/A_PASSWORD are NOT needed and\n# this comes first.\n# A_TICKET=\n',
      [['A_USER', 'A_PASSWORD'], ['A_TICKET']],
    ],
  ])('tells a choice by %s', (_, source, choice) => {
    expect(readEnvironmentFile(source).choices).toEqual([choice]);
  });

  it.each([
    '# Method 1\n# A_TOKEN=x\n\n# Method 2\n# A_PASSWORD=x\n',
    '# or set a zone\nA_ZONE=x\n',
    '# A_USER is not needed for reading\nA_TOKEN=x\n',
    'A_ZONE=x\n# or\nA_CITY=x\n',
  ])('tells no choice by %j', (source) => {
    expect(readEnvironmentFile(source).choices).toEqual([]);
  });
});

describe('a block that sets variables', () => {
  it.each(['A_KEY="x y"\n# B\n', 'export A_KEY=<key>', '$env:A_KEY="x"', 'A_KEY=\nB_KEY= # a note'])(
    'is %j',
    (source) => {
      expect(environmentBlock(source)?.variables[0]?.name).toBe('A_KEY');
    },
  );

  it.each(['A_KEY=x npx weather', 'export A_KEY=x\nnpx weather', '# only words', 'PORT=3000', 'PATH=/x'])(
    'is not %j',
    (source) => {
      expect(environmentBlock(source)).toBeNull();
    },
  );

  it('gives a server its secrets, even where people are told how to install it from a clone', () => {
    const readme = `${client(npx)}### Installing locally\n\n${shell('WEATHER_USER="xxx"\nWEATHER_PASSWORD="xxx"')}`;
    const result = infer(readme);
    expect(result.env.filter(({ secret }) => secret).map(({ name }) => name)).toEqual(['WEATHER_PASSWORD']);
    expect(required(result)).toEqual([]);
  });
});
