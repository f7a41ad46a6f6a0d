// Ports that a Dockerfile or a compose file opens: hints, as they say nothing of what listens there.
import { imageReference, isContainerProgram, readContainerRun } from './container-run.ts';
import { type SourceFile } from './gathering.ts';
import { isOwnPort } from './ports.ts';
import { field, isRecord, list, record, text, texts, words } from './reading.ts';
import { type Identity, isRelated } from './relatedness.ts';
import { readYaml } from './yaml.ts';

/** Ports of the root's Dockerfile and of the repository's own services in its compose file, each once. */
export function declaredPorts(files: readonly SourceFile[], identity: Identity): number[] {
  const found = new Set<number>();
  for (const { path, source } of files) {
    const raw = /^dockerfile$/i.test(path)
      ? portsOfDockerfile(source)
      : isComposeFile(path)
        ? portsOfCompose(readYaml(source.slice(0, 256 * 1024)), identity)
        : [];
    for (const value of raw) {
      const port = Number(value);
      if (Number.isInteger(port) && isOwnPort(port)) found.add(port);
    }
  }
  return [...found];
}

const isComposeFile = (path: string): boolean => /^(?:docker-)?compose\.ya?ml$/i.test(path);

/** `ENV PORT=…` says more than `EXPOSE`; only the last stage is what runs. */
function portsOfDockerfile(source: string): string[] {
  const lines = source.slice(0, 256 * 1024).split('\n', 5000);
  const last = lines.findLastIndex((line) => /^\s{0,20}FROM\s/i.test(line.slice(0, 100)));
  const variables: string[] = [];
  const exposed: string[] = [];
  for (const line of lines.slice(last + 1)) {
    const [instruction = '', ...rest] = line.slice(0, 1000).trim().split(/\s+/);
    if (/^expose$/i.test(instruction)) {
      exposed.push(...rest.flatMap((word) => /^(\d{2,5})(?:\/tcp)?$/i.exec(word)?.[1] ?? []));
    } else if (/^env$/i.test(instruction)) {
      const port = /(?:^|\s)(?:\w{1,40}_)?PORT[=\s]["']?(\d{2,5})\b/.exec(rest.join(' '))?.[1];
      if (port !== undefined) variables.push(port);
    }
  }
  return variables.length > 0 ? variables : exposed;
}

/** A service that is built here, or whose image is called like the repository; databases beside it are not asked. */
function portsOfCompose(value: unknown, identity: Identity): string[] {
  const services = Object.values(record(field(value, 'services')) ?? {}).slice(0, 50);
  const own = services.filter((service) => {
    const image = imageReference(words(field(service, 'image')) ?? '')?.image;
    return image === undefined ? field(service, 'build') !== undefined : isRelated(identity, image);
  });
  return own.flatMap((service) =>
    list(field(service, 'ports')).flatMap((entry) => {
      const long = isRecord(entry) ? text(field(entry, 'target')) : null;
      return long ?? /(?:^|:)(\d{2,5})(?:\/tcp)?$/.exec(texts([entry])[0] ?? '')?.[1] ?? [];
    }),
  );
}

/** Whether a command runs somebody else's image: a database, a viewer of traces. */
export function isForeignContainer(command: readonly string[], identity: Identity): boolean {
  const [program = '', ...rest] = command;
  if (!isContainerProgram(program)) return false;
  const run = readContainerRun(rest);
  return run !== null && run.image.includes('/') && !isRelated(identity, run.image);
}
