// `docker run …` read as Docker reads it: which flags take a value, where the image stands, what the container gets.
import { type Mount } from './commands.ts';
import { assignment, type VariableMention } from './sighting.ts';

export interface ContainerRun {
  /** Without its tag or digest. */
  image: string;
  version: string | null;
  args: string[];
  variables: VariableMention[];
  /** Ports inside the container that are published. */
  ports: number[];
  mounts: Mount[];
  /** It exists only where it was built. */
  local: boolean;
}

export const isContainerProgram = (program: string): boolean => /^(?:docker|podman|nerdctl)$/.test(program);

/** Flags of `docker run` that stand alone; every other one takes a value. */
const switches = new Set([
  '-i',
  '--interactive',
  '-t',
  '--tty',
  '-d',
  '--detach',
  '--rm',
  '--init',
  '--privileged',
  '--read-only',
  '-P',
  '--publish-all',
  '--no-healthcheck',
  '--oom-kill-disable',
  '-q',
  '--quiet',
  '--sig-proxy',
  '--disable-content-trust',
  '--use-api-socket',
  '--help',
]);

/** The run behind `docker` or `podman`, or null where another command stands there. */
export function readContainerRun(words: readonly string[]): ContainerRun | null {
  let at = words[0] === 'container' ? 1 : 0;
  if (words[at] !== 'run') return null;
  const run = { variables: [], ports: [], mounts: [] } as Pick<
    ContainerRun,
    'variables' | 'ports' | 'mounts'
  >;
  for (at += 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') {
      at += 1;
      break;
    }
    if (!word.startsWith('-')) break;
    if (switches.has(word) || /^-[itdqP]{2,6}$/.test(word)) continue;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const short = /^-([evpmuwhl])(.+)$/s.exec(word);
    if (equals !== -1) option(run, word.slice(0, equals), word.slice(equals + 1));
    else if (short && !word.startsWith('--')) option(run, `-${short[1] ?? ''}`, short[2] ?? '');
    else option(run, word, words[(at += 1)] ?? '');
  }
  const reference = imageReference(words[at] ?? '');
  return (
    reference && { ...reference, ...run, args: words.slice(at + 1), local: isLocalImage(words[at] ?? '') }
  );
}

function option(
  run: Pick<ContainerRun, 'variables' | 'ports' | 'mounts'>,
  name: string,
  value: string,
): void {
  if (name === '-e' || name === '--env') {
    const variable = assignment(value);
    if (variable) run.variables.push(variable);
  } else if (name === '-p' || name === '--publish') {
    const port = Number(/:?(\d{2,5})(?:\/tcp)?$/.exec(value)?.[1]);
    if (port > 0 && port < 65_536) run.ports.push(port);
  } else if (name === '-v' || name === '--volume') {
    const parts = /^(.{1,400}?):(\/[^:]{0,400})(?::([a-z,]{1,20}))?$/i.exec(value);
    if (parts) {
      run.mounts.push({
        source: parts[1] ?? '',
        target: parts[2] ?? '',
        read_only: /(?:^|,)ro(?:,|$)/.test(parts[3] ?? ''),
      });
    }
  } else if (name === '--mount') {
    const parts = new Map(
      value.split(',').map((part): [string, string] => {
        const equals = part.indexOf('=');
        return equals === -1 ? [part, 'true'] : [part.slice(0, equals), part.slice(equals + 1)];
      }),
    );
    const source = parts.get('src') ?? parts.get('source');
    const target = parts.get('dst') ?? parts.get('target') ?? parts.get('destination');
    if (source !== undefined && target !== undefined) {
      run.mounts.push({ source, target, read_only: parts.has('ro') || parts.has('readonly') });
    }
  }
}

/** An image's reference without `docker.io`, tag and digest; null for what nobody can pull. */
export function imageReference(raw: string): { image: string; version: string | null } | null {
  const [named = ''] = raw.replace(/^(?:docker:\/\/|oci:\/\/)/, '').split('@', 1);
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const name = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? null : named.slice(colon + 1);
  const image = name.replace(/^(?:index\.)?docker\.io\/(?:library\/)?/, '');
  if (!/^[a-z0-9][a-z0-9._-]*(?::\d{1,5})?(?:\/[a-z0-9][a-z0-9._-]*){0,6}$/.test(image) || image.length > 300)
    return null;
  if (/your|image-name|<|\$/.test(image)) return null;
  const usable = tag !== null && /^v?\d[\w.-]{0,120}$/.test(tag) && !/^v?0\.0\.0$/.test(tag);
  return { image, version: usable ? tag : null };
}

/** What only exists after a local build: no host and no owner before it, or a tag that says so. */
const isLocalImage = (raw: string): boolean =>
  !raw.includes('/') || /:(?:dev|local|test|build|mybuild)$/.test(raw) || /^localhost[:/]/.test(raw);
