// Files beside the README that hold configuration: extensions' manifests, bundles, Smithery, compose, env examples.
import { configuredServers } from './launcher-configs.ts';
import { parseLenientJson } from './lenient-json.ts';
import { isPlaceholder } from './placeholders.ts';
import { field, flag, list, record, text, words } from './reading.ts';
import { mention, type Sighting, type VariableMention } from './sighting.ts';
import { readYaml } from './yaml.ts';

export interface ConfigurationFile {
  sightings: Sighting[];
  variables: VariableMention[];
}

const configNames =
  /^(?:\.?mcp(?:[-_](?:config|settings|servers?))?\.json|\.?mcp\.json\.(?:example|sample)|claude_desktop_config(?:\.example)?\.json|gemini-extension\.json|manifest\.json|mcp[-_]servers?\.example\.json)$/i;

const nothing: ConfigurationFile = { sightings: [], variables: [] };

export function readConfigurationFile(path: string, source: string): ConfigurationFile {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (configNames.test(name)) return readJsonFile(path, name, parseLenientJson(source));
  if (/^smithery\.ya?ml$/i.test(name)) return { ...nothing, variables: smitheryVariables(source) };
  if (isEnvironmentExample(name)) return { ...nothing, variables: environmentExample(source) };
  return nothing;
}

export const isEnvironmentExample = (name: string): boolean =>
  /^(?:\.?env[.-](?:example|sample|template|dist|defaults?)|(?:example|sample|template)\.env|\.env\.local\.example)$/i.test(
    name,
  );

function readJsonFile(file: string, name: string, value: unknown): ConfigurationFile {
  const sightings = configuredServers(value, { source: 'configuration', file });
  if (/gemini-extension/i.test(name))
    return { sightings, variables: list(field(value, 'settings')).flatMap(geminiSetting) };
  const server = field(value, 'server');
  if (name.toLowerCase() !== 'manifest.json' || field(server, 'mcp_config') === undefined) {
    return { sightings: name.toLowerCase() === 'manifest.json' ? [] : sightings, variables: [] };
  }
  // A bundle carries its own copy of the server: its command is nothing that others could run.
  return { sightings: [], variables: bundleVariables(server, field(value, 'user_config')) };
}

const geminiSetting = (setting: unknown): VariableMention[] => {
  const name = words(field(setting, 'envVar'));
  return name === null
    ? []
    : [mention(name, { description: words(field(setting, 'description')), required: null })];
};

/** MCPB: the environment of the bundle names what the person is asked for. */
function bundleVariables(server: unknown, userConfig: unknown): VariableMention[] {
  const environment = record(field(field(server, 'mcp_config'), 'env')) ?? {};
  return Object.entries(environment).flatMap(([name, value]) => {
    const key = /^\$\{user_config\.([\w-]{1,100})\}$/.exec(text(value) ?? '')?.[1];
    if (key === undefined || !/^[A-Za-z_]\w{0,120}$/.test(name)) return [];
    const about = field(userConfig, key);
    const fallback = words(field(about, 'default'));
    const required = flag(field(about, 'required'));
    return [
      mention(name, {
        required: fallback === null ? required : false,
        secret: field(about, 'sensitive') === true ? true : null,
        default: fallback,
        description: words(field(about, 'description')),
      }),
    ];
  });
}

/** Smithery's schema names settings, not variables; `commandFunction` is a program and is only searched for names. */
function smitheryVariables(source: string): VariableMention[] {
  const start = field(readYaml(source), 'startCommand');
  const schema = field(start, 'configSchema');
  const properties = Object.entries(record(field(schema, 'properties')) ?? {}).slice(0, 200);
  const required = new Set(list(field(schema, 'required')).map((entry) => text(entry)));
  const program = (text(field(start, 'commandFunction')) ?? '').slice(0, 16 * 1024);
  return [
    ...program.matchAll(/\b([A-Z][A-Z0-9_]{2,80})\b["']?\s{0,5}[:=]\s{0,5}(?:String\()?config\.(\w{1,80})/g),
  ].flatMap(([, name = '', key = '']) => {
    const about = properties.find(([property]) => property === key)?.[1];
    if (about === undefined) return [];
    const fallback = words(field(about, 'default'));
    return [
      mention(name, {
        required: required.has(key) && fallback === null ? null : false,
        default: fallback,
        description: words(field(about, 'description')),
      }),
    ];
  });
}

const mostVariables = 300;

/** `.env.example`: names, what stands beside them, and values that are examples more often than defaults. */
function environmentExample(source: string): VariableMention[] {
  const found = new Map<string, VariableMention>();
  let comment = '';
  for (const raw of source.split('\n', 5000)) {
    const line = raw.slice(0, 1000).trim();
    const parts = /^(#\s{0,3})?(?:export\s+)?([A-Z_a-z][A-Za-z0-9_]{1,120})\s{0,3}=\s{0,3}(.*)$/.exec(line);
    if (!parts) {
      comment = line.startsWith('#') ? line.replace(/^[#\s=-]+/, '').trim() : line === '' ? '' : comment;
      continue;
    }
    const [, off, name = '', rest = ''] = parts;
    if (off !== undefined && !/^[A-Z][A-Z0-9_]+$/.test(name)) continue;
    const value = rest
      .replace(/\s#.*$/, '')
      .trim()
      .replace(/^["'](.*)["']$/, '$1');
    if (found.has(name) || found.size >= mostVariables) continue;
    found.set(
      name,
      mention(name, {
        // Commented out is how an example shows a choice: it says nothing of what is needed.
        required: null,
        value: value === '' || isPlaceholder(value) ? null : value,
        description: comment === '' ? null : comment,
      }),
    );
  }
  return [...found.values()];
}
