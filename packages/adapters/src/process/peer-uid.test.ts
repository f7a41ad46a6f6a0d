// Finding the other end of a connection in the kernel's tables.
import { describe, expect, it } from 'vitest';
import { bytesOf, findSocket, peerUid } from './peer-uid.ts';

const header =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const tcp =
  header +
  '   0: 0100007F:1F4B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24038 1 0000 100 0 0 10 0\n' +
  '   1: 0100007F:B84E 0100007F:1F4B 01 00000000:00000000 00:00000000 00000000 1900000001        0 24039 1 0000 20 4 30 10 -1\n' +
  '   2: 0100007F:1F4B 0100007F:B84E 01 00000000:00000000 00:00000000 00000000     0        0 24040 1 0000 20 4 30 10 -1\n' +
  '   3: 0100007F:B858 0100007F:1F4B 06 00000000:00000000 03:00000174 00000000     0        0 0 3 0000\n';
const tcp6 =
  header +
  '   0: 00000000000000000000000001000000:B84E 00000000000000000000000001000000:1F4B 01 00000000:00000000 00:00000000 00000000  7 0 501 1 0\n' +
  '   1: 0000000000000000FFFF00000100007F:C000 0000000000000000FFFF00000100007F:1F4B 01 00000000:00000000 00:00000000 00000000  8 0 502 1 0\n';

const ends = (local: [string, number], remote: [string, number]) => ({
  local: { address: bytesOf(local[0]), port: local[1] },
  remote: { address: bytesOf(remote[0]), port: remote[1] },
});

// The tables are printed in the byte order of the machine; these were on a little-endian one.
describe.skipIf(new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1)('findSocket', () => {
  it("takes the peer's side, not ours", () => {
    expect(findSocket(tcp, ends(['127.0.0.1', 0xb84e], ['127.0.0.1', 0x1f4b]))).toEqual({
      uid: 1_900_000_001,
      inode: '24039',
    });
    expect(findSocket(tcp, ends(['127.0.0.1', 0x1f4b], ['127.0.0.1', 0xb84e]))?.uid).toBe(0);
  });

  it('finds what nobody has any more, with inode 0', () => {
    expect(findSocket(tcp, ends(['127.0.0.1', 0xb858], ['127.0.0.1', 0x1f4b]))).toEqual({
      uid: 0,
      inode: '0',
    });
  });

  it('finds IPv6, and IPv4 that is spoken by a socket of IPv6', () => {
    expect(findSocket(tcp6, ends(['::1', 0xb84e], ['::1', 0x1f4b]))).toEqual({ uid: 7, inode: '501' });
    expect(findSocket(tcp6, ends(['127.0.0.1', 0xc000], ['::ffff:127.0.0.1', 0x1f4b]))?.uid).toBe(8);
    expect(findSocket(tcp, ends(['::1', 0xb84e], ['::1', 0x1f4b]))).toBeNull();
  });

  it('finds nothing where there is nothing', () => {
    expect(findSocket(tcp, ends(['127.0.0.1', 1], ['127.0.0.1', 0x1f4b]))).toBeNull();
    expect(findSocket(header, ends(['127.0.0.1', 1], ['127.0.0.1', 2]))).toBeNull();
  });
});

it('reads addresses in every notation', () => {
  expect(bytesOf('1.2.3.4').toString('hex')).toBe('00000000000000000000ffff01020304');
  expect(bytesOf('::ffff:1.2.3.4').toString('hex')).toBe('00000000000000000000ffff01020304');
  expect(bytesOf('::ffff:102:304').toString('hex')).toBe('00000000000000000000ffff01020304');
  expect(bytesOf('fe80::1%eth0').toString('hex')).toBe('fe800000000000000000000000000001');
  expect(bytesOf('1:2:3:4:5:6:7:8').toString('hex')).toBe('00010002000300040005000600070008');
  expect(bytesOf('::').toString('hex')).toBe('0'.repeat(32));
  expect(() => bytesOf('host')).toThrow('not an address');
});

it('does not look for who is elsewhere, and does not guess who is here', async () => {
  const connection = { localAddress: '127.0.0.1', localPort: 1, remoteAddress: '192.0.2.1', remotePort: 2 };
  expect(await peerUid(connection)).toBe('remote');
  expect(await peerUid({ ...connection, remoteAddress: '127.9.9.9' })).toBe('unknown');
  expect(await peerUid({ ...connection, localAddress: '192.0.2.1' })).toBe('unknown');
  expect(await peerUid({})).toBe('unknown');
});
