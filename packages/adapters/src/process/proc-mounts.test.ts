// Parsing the mounts of a process.
import { expect, it } from 'vitest';
import { mountOf, parseMounts } from './proc-mounts.ts';

const text = [
  '31 23 0:28 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard',
  '40 31 0:29 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory',
  '41 31 8:1 /sub /data\\040with\\011tab\\134 rw,noexec - xfs /dev/sdb rw',
  '',
].join('\n');

it('parses, with and without optional fields, and unescapes paths', () => {
  expect(parseMounts(text)).toEqual([
    {
      root: '/',
      mountPoint: '/',
      options: ['rw', 'relatime'],
      type: 'ext4',
      superOptions: ['rw', 'discard'],
    },
    {
      root: '/docker/abc',
      mountPoint: '/sys/fs/cgroup/memory',
      options: ['ro', 'nosuid'],
      type: 'cgroup',
      superOptions: ['rw', 'memory'],
    },
    {
      root: '/sub',
      mountPoint: '/data with\ttab\\',
      options: ['rw', 'noexec'],
      type: 'xfs',
      superOptions: ['rw'],
    },
  ]);
});

it('finds the mount that a path lies on', () => {
  const mounts = parseMounts(text);
  expect(mountOf(mounts, '/data with\ttab\\/x')?.type).toBe('xfs');
  expect(mountOf(mounts, '/data')?.type).toBe('ext4');
  expect(mountOf([], '/')).toBeNull();
});
