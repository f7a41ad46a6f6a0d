// The root folder of a sandbox: empty but for what every program needs of the system, and places to mount the rest.
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from './proc-files.ts';
import { isWithin } from './proc-mounts.ts';

/** Inside the sandbox. */
export const homeFolder = '/home/server';
export const temporaryFolders = ['/tmp', '/var/tmp'] as const;
/** Where the old root hangs for a moment; empty afterwards. */
const oldRootFolder = '/.old';
export const hostName = 'sandbox';

/** Programs and libraries of the system. Nothing below them is private on any distribution. */
const programFolders = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'],
  ...['/nix/store', '/gnu/store'],
];
/** Of /etc only what programs need in order to find libraries, names, certificates and the time. */
const settingFolders = [
  ...['ssl/certs', 'pki/tls/certs', 'pki/ca-trust/extracted', 'ca-certificates/extracted'],
  ...['ld.so.conf.d', 'alternatives', 'crypto-policies'],
].map((name) => `/etc/${name}`);
const settingFiles = [
  ...['ssl/openssl.cnf', 'ssl/cert.pem', 'pki/tls/openssl.cnf', 'pki/tls/cert.pem'],
  ...['ld.so.cache', 'ld.so.conf', 'nsswitch.conf', 'host.conf', 'gai.conf', 'hosts', 'resolv.conf'],
  ...['protocols', 'services', 'localtime', 'timezone', 'os-release', 'mime.types'],
].map((name) => `/etc/${name}`);
export const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

export const isOfSystem = (path: string): boolean => programFolders.some((folder) => isWithin(path, folder));

export const reservedFolders = ['/proc', '/dev', '/sys', '/etc', oldRootFolder, ...programFolders];

/** Places to mount something on, by their path in the sandbox. */
export type Targets = readonly { target: string; kind: 'folder' | 'file' }[];

/**
 * Answers the folders of the host that are to be mounted at their own path. Synchronous: some eighty calls of a few µs
 * each, where the thread pool would cost ten times as much.
 * @param uid as the process sees itself
 */
export const makeRootFolder = (root: string, uid: number, targets: Targets): string[] => {
  mkdirSync(root);
  chmodSync(root, 0o755);
  const maker = createMaker(root);
  for (const path of [
    '/proc',
    '/dev/shm',
    '/dev/pts',
    '/run',
    oldRootFolder,
    homeFolder,
    ...temporaryFolders,
  ])
    maker.addFolder(path);
  const shown = [...programFolders, ...settingFolders].filter((path) => maker.addSystemFolder(path));
  for (const path of settingFiles) maker.addSystemFile(path);
  for (const name of devices) maker.addFile(`/dev/${name}`, '');
  maker.addLink('/dev/ptmx', 'pts/ptmx');
  maker.addLink('/dev/fd', '/proc/self/fd');
  for (const [fd, name] of ['stdin', 'stdout', 'stderr'].entries())
    maker.addLink(`/dev/${name}`, `/proc/self/fd/${fd}`);
  maker.addLink('/var/run', '/run');
  maker.addFile('/etc/hostname', `${hostName}\n`);
  const server = `server:x:${uid}:${uid}::${homeFolder}:/bin/sh\n`;
  const others = 'root:x:0:0::/:/sbin/nologin\nnobody:x:65534:65534::/:/sbin/nologin\n';
  maker.addFile('/etc/passwd', others + server);
  maker.addFile('/etc/group', `root:x:0:\nnogroup:x:65534:\nserver:x:${uid}:\n`);
  for (const { target, kind } of targets) {
    if (kind === 'folder') maker.addFolder(target);
    else maker.addFile(target, '');
  }
  return shown;
};

/** Whatever our umask is, everybody can read what is made here. */
const createMaker = (root: string) => {
  const addFolder = (path: string): void => {
    if (path === '/' || lookAt(join(root, path)) !== null) return;
    addFolder(dirname(path));
    mkdirSync(join(root, path));
    chmodSync(join(root, path), 0o755);
  };
  const addFile = (path: string, content: string): void => {
    addFolder(dirname(path));
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), 0o644);
  };
  const addLink = (path: string, to: string): void => {
    addFolder(dirname(path));
    symlinkSync(to, join(root, path));
  };
  return {
    addFolder,
    addFile,
    addLink,

    /** A folder is to be mounted; a link such as /bin → usr/bin is made again; what is not there is left out. */
    addSystemFolder(path: string): boolean {
      const found = lookAt(path);
      if (found?.isSymbolicLink()) addLink(path, readlinkSync(path));
      if (!found?.isDirectory()) return false;
      addFolder(path);
      return true;
    },

    /** A copy, because these are often mounts of a container, or links into folders that stay hidden. */
    addSystemFile(path: string): void {
      let real;
      try {
        real = realpathSync(path);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return;
        throw error;
      }
      if (real !== path && isOfSystem(real)) {
        addLink(path, real);
        return;
      }
      addFolder(dirname(path));
      copyFileSync(real, join(root, path));
      chmodSync(join(root, path), 0o644);
    },
  };
};

const lookAt = (path: string) => lstatSync(path, { throwIfNoEntry: false }) ?? null;
