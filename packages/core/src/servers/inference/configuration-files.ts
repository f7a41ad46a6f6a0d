// Files beside the README that hold configuration: extensions' manifests, bundles, Smithery, compose, env examples.
import { configuredServers } from './launcher-configs.ts';
import { parseLenientJson } from './lenient-json.ts';
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
  return nothing;
}

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
    : [
        mention(name, {
          description: words(field(setting, 'description')),
          required: flag(field(setting, 'required')),
          secret: field(setting, 'sensitive') === true ? true : null,
        }),
      ];
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
        required: required.has(key) && fallback === null,
        default: fallback,
        description: words(field(about, 'description')),
      }),
    ];
  });
}
