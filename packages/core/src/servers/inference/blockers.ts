// Why a server cannot be deployed unattended. Better said before the start than found out after it.
import { type Gathered } from './gathering.ts';
import { type Candidate, type Sorted } from './candidates.ts';

const running =
  /\b(?:add-?on|plug-?in|editor|desktop app(?:lication)?|extension|app)\b[^.]{0,60}\b(?:is|must be|be|are|server is) (?:also )?(?:running|open|installed and running|started)\b|\b(?:open|start|launch|install(?:ing)?) the [A-Z]\w{1,30} (?:editor|add-?on|plug-?in|app)\b/i;
const interactive = /\bqr[- ]code\b|\bscan the (?:qr )?code\b/i;
const engine = /^(?:[-*+]|\d\.)\s.{0,20}\bdocker (?:desktop|engine|daemon)\b/i;

/** Reasons that hold for every way. */
export function serverBlockers({ readme, sightings }: Gathered, sorted: Sorted): string[] {
  const found: string[] = [];
  const inText = (pattern: RegExp): string | null =>
    readme.lines.find(({ text }) => text.length < 3000 && pattern.test(text))?.text.slice(0, 160) ?? null;
  const desktop = inText(running);
  if (desktop !== null) found.push(`needs a desktop application that is running: "${desktop}"`);
  if (sorted.login !== null) found.push(`needs a login by hand before its first use: \`${sorted.login}\``);
  const code = inText(interactive);
  if (code !== null) found.push(`needs a login by hand: "${code}"`);
  const socket = sightings.some(({ words }) => words.some((word) => word.includes('docker.sock')));
  const containers = sorted.candidates.some(({ method }) => method === 'docker');
  const daemon = containers ? null : inText(engine);
  if (socket) found.push('needs the socket of a Docker daemon');
  else if (daemon !== null) found.push(`needs a Docker daemon: "${daemon}"`);
  const kube = sightings.some(({ words, variables }) =>
    [...words, ...variables.map(({ name }) => name)].some((word) => /kubeconfig|\.kube\/config/i.test(word)),
  );
  if (kube || inText(/\.kube\/config|\bkubeconfig\b/i) !== null)
    found.push('needs a kubeconfig, or to run inside of a cluster');
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
  for (const { target } of mounts) found.push(`needs something mounted at ${target}`);
  const config = args.find(
    (word, at) => /^--?config(?:-file)?$/.test(args[at - 1] ?? '') && word.startsWith('/'),
  );
  if (config !== undefined && mounts.length === 0) found.push(`needs a configuration file at ${config}`);
  return found;
}
