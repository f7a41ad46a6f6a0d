// Who is at the other end of a TCP connection from this machine, out of the kernel's tables of sockets.
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { readProcFile } from './proc-files.ts';

/** As a `net.Socket` tells; what is missing was missing there too, because the connection is over. */
export interface TcpConnection {
  localAddress?: string | undefined;
  localPort?: number | undefined;
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
}

export interface PeerSocket {
  /** Of the process that made the socket. */
  uid: number;
  inode: string;
}

/**
 * `remote`: the peer is on another machine, or in another network namespace. `unknown`: it is on this one, but the
 * kernel no longer says whose it is, as after the peer has closed; nobody but the peer chooses that moment, so
 * treat it like the worst one.
 * Costs a walk of the kernel through its whole table: about 5 ms for each protocol, off the event loop.
 */
export const peerUid = async (connection: TcpConnection): Promise<PeerSocket | 'remote' | 'unknown'> => {
  const { localAddress, localPort, remoteAddress, remotePort } = connection;
  if (!localAddress || !remoteAddress || localPort === undefined || remotePort === undefined)
    return 'unknown';
  if (!isLocal(remoteAddress, localAddress)) return 'remote';
  const wanted: Endpoints = {
    local: { address: bytesOf(remoteAddress), port: remotePort },
    remote: { address: bytesOf(localAddress), port: localPort },
  };
  // A socket of IPv6 can speak IPv4: then the connection stands in the second table.
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readProcFile(table);
    const found = text === null ? null : findSocket(text, wanted);
    if (found !== null) return found.inode === '0' ? 'unknown' : found;
  }
  return 'unknown';
};

interface Endpoints {
  local: { address: Buffer; port: number };
  remote: { address: Buffer; port: number };
}

const withoutZone = (address: string): string => address.replace(/%.*$/, '');

const isLocal = (remote: string, local: string): boolean => {
  const remoteBytes = bytesOf(remote);
  if (isLoopback(remoteBytes) || remoteBytes.equals(bytesOf(local))) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some(({ address }) => bytesOf(address).equals(remoteBytes));
};

const isLoopback = (bytes: Buffer): boolean =>
  isMapped(bytes) ? bytes[12] === 127 : bytes.equals(bytesOf('::1'));

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex');
const isMapped = (bytes: Buffer): boolean => bytes.subarray(0, 12).equals(mappedPrefix);

/** Sixteen bytes in network order; an IPv4 address as ::ffff:a.b.c.d. @throws where the text is no address */
export const bytesOf = (text: string): Buffer => {
  const address = withoutZone(text);
  if (isIPv4(address)) return Buffer.concat([mappedPrefix, Buffer.from(address.split('.').map(Number))]);
  if (!isIPv6(address)) throw new Error(`not an address: ${text}`);
  // The last 32 bits may be written as IPv4.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const [, head, tail] = dotted ?? [];
  const hex =
    head === undefined || tail === undefined
      ? address
      : head +
        Buffer.from(tail.split('.').map(Number))
          .toString('hex')
          .replace(/(.{4})(.{4})/, '$1:$2');
  const [left = '', right] = hex.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = words(left);
  const after = right === undefined ? [] : words(right);
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...zeros, ...after].map((word) => word.padStart(4, '0')).join(''), 'hex');
};

/** The kernel prints each 32-bit word of an address as a number of its own byte order. */
const tableForm = ({ address, port }: { address: Buffer; port: number }, isShort: boolean): string => {
  const bytes = isShort ? address.subarray(12) : address;
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const word = littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    words.push(word.toString(16).padStart(8, '0'));
  }
  return `${words.join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
};

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** @param text /proc/net/tcp or /proc/net/tcp6 (proc(5)) */
export const findSocket = (text: string, { local, remote }: Endpoints): PeerSocket | null => {
  const isShort = !/:\s+[0-9A-F]{32}:/.test(text);
  if (isShort && !(isMapped(local.address) && isMapped(remote.address))) return null;
  const pair = ` ${tableForm(local, isShort)} ${tableForm(remote, isShort)} `;
  const at = text.indexOf(pair);
  if (at === -1) return null;
  const end = text.indexOf('\n', at);
  const fields = text
    .slice(at + pair.length, end === -1 ? undefined : end)
    .trim()
    .split(/\s+/);
  // st, queues, timer, retransmits, uid, timeout, inode
  const uid = Number(fields[4]);
  const inode = fields[6];
  return inode === undefined || Number.isNaN(uid) ? null : { uid, inode };
};
