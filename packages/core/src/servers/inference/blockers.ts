// Why a server cannot be deployed unattended. Better said before the start than found out after it.
import { type Gathered } from './gathering.ts';
import { type Candidate, type Sorted } from './candidates.ts';

const running = [
  /\b(?:add-?on|plug-?in|editor|desktop app(?:lication)?|extension)\b[^.]{0,60}\b(?:is|must be|be|are|server is) (?:also )?(?:running|open(?! source)|installed and running|started)\b/i,
  /\b(?:open|start|launch|install(?:ing)?) the [A-Z]\w{1,30} (?:editor|add-?on|plug-?in|app)\b/i,
];
/** Programs in which servers are used: they are not what a server needs. */
const clients =
  /\b(?:claude|cursor|vs ?code|visual studio|windsurf|chatgpt|zed|cline|goose|gemini|copilot|codex|inspector|mcp|ide|code editor)\b/i;
const scanning = /\bscan\b.{0,30}\bqr\b.{0,80}\b(?:app|phone|log ?in|authenticat\w*|device|link)\b/i;
const engine = /^(?:[-*+]|\d\.)\s.{0,20}\bdocker (?:desktop|engine|daemon)\b/i;

/** Reasons that hold for every way. `name`: the repository's, which says what it is about. */
export function serverBlockers({ readme, sightings }: Gathered, sorted: Sorted, name: string): string[] {
  const found: string[] = [];
  const inText = (...patterns: readonly RegExp[]): string | null =>
    readme.lines
      .find(({ text }) =>
        patterns.some((pattern) => {
          const match = text.length < 3000 ? pattern.exec(text) : null;
          return match !== null && !clients.test(match[0]);
        }),
      )
      ?.text.slice(0, 160)
      .toWellFormed() ?? null;
  const desktop = inText(...running);
  if (desktop !== null) found.push(`needs a desktop application that is running: "${desktop}"`);
  if (sorted.login !== null) found.push(`needs a login by hand before its first use: \`${sorted.login}\``);
  const scan = inText(scanning);
  if (scan !== null) found.push(`needs a login by hand: "${scan}"`);
  const socket = sightings.some(({ words }) => words.some((word) => word.includes('docker.sock')));
  const daemon = /docker|container|compose/i.test(name) ? inText(engine) : null;
  if (socket) found.push('needs the socket of a Docker daemon');
  else if (daemon !== null) found.push(`needs a Docker daemon: "${daemon}"`);
  const given = sightings.some(({ words, variables }) =>
    [...words, ...variables.map((variable) => variable.name)].some((word) =>
      /kubeconfig|\.kube\/config/i.test(word),
    ),
  );
  const told = /k8s|kube|openshift|helm/i.test(name) && inText(/\.kube\/config|\bkubeconfig\b/i) !== null;
  if (given || told) found.push('needs a kubeconfig, or to run inside of a cluster');
  return found;
}

/** Reasons of one way. */
export function recipeBlockers({ method, inputs, mounts, args }: Candidate): string[] {
  const found: string[] = [];
  if (method === 'remote') found.push('runs elsewhere: there is nothing to deploy');
  for (const { name, kind } of inputs) {
    if (kind === 'file') found.push(`needs a file: {${name}}`);
    else if (kind === 'directory' || kind === 'path') found.push(`needs a path: {${name}}`);
  }
  for (const { source, target } of mounts) {
    if (!isNamedVolume(source)) found.push(`needs something mounted at ${target}`);
  }
  const config = args.find(
    (word, at) => /^--?config(?:-file)?$/.test(args[at - 1] ?? '') && word.startsWith('/'),
  );
  if (config !== undefined && mounts.length === 0) found.push(`needs a configuration file at ${config}`);
  return found;
}

/** A volume of the container engine's own: it is made when it is first asked for. */
export const isNamedVolume = (source: string): boolean => /^[A-Za-z0-9][\w.-]{0,100}$/.test(source);
