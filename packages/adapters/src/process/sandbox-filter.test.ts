// The filter of system calls, run by an interpreter of the few instructions that it has.
import { describe, expect, it } from 'vitest';
import { filterProgram, filtering } from './sandbox-filter.ts';

const allow = 0x7fff_0000;
const errno = (code: number): number => 0x0005_0000 | code;
const audit = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

interface Call {
  number: number;
  args?: number[];
  architecture?: number;
}

/** What the kernel would answer. */
const judge = (architecture: 'x64' | 'arm64', { number, args = [], architecture: called }: Call): number => {
  const program = filterProgram(architecture);
  if (program === null) throw new Error('no program');
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(called ?? audit[architecture], 4);
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(BigInt(value), 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const constant = program.readUInt32LE(at + 4);
    const jump = (isTrue: boolean): void => {
      at += 8 * program.readUInt8(at + (isTrue ? 2 : 3));
    };
    const code = program.readUInt16LE(at);
    if (code === 0x20) accumulator = data.readUInt32LE(constant);
    else if (code === 0x15) jump(accumulator === constant);
    else if (code === 0x35) jump(accumulator >= constant);
    else if (code === 0x45) jump((accumulator & constant) !== 0);
    else if (code === 0x06) return constant;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('it ran out of instructions');
};

describe.each([
  { architecture: 'x64', read: 0, mount: 165, clone: 56, socket: 41, ioctl: 16, openat: 257, fchmod: 91 },
  { architecture: 'arm64', read: 63, mount: 40, clone: 220, socket: 198, ioctl: 29, openat: 56, fchmod: 52 },
] as const)('the filter on $architecture', ({ architecture, ...numbers }) => {
  const ask = (number: number, ...args: number[]): number => judge(architecture, { number, args });

  it('lets everyday calls through, and some no more', () => {
    expect(ask(numbers.read)).toBe(allow);
    expect(ask(numbers.mount)).toBe(errno(1));
    expect(ask(435)).toBe(errno(38));
    expect(ask(425)).toBe(errno(38));
    expect(ask(1000)).toBe(allow);
  });

  it('knows no other ABI', () => {
    const other = architecture === 'x64' ? 0x4000_0003 : audit.x64;
    expect(judge(architecture, { number: numbers.read, architecture: other })).toBe(errno(1));
    expect(ask(0x4000_0000 + numbers.read)).toBe(errno(38));
  });

  it('lets processes fork and make threads, but no namespaces', () => {
    expect(ask(numbers.clone, 17)).toBe(allow);
    expect(ask(numbers.clone, 0x3d_0f00)).toBe(allow);
    for (const flag of [0x1000_0000, 0x0002_0000, 0x4000_0000, 0x2000_0000, 0x0200_0000])
      expect(ask(numbers.clone, 17 + flag)).toBe(errno(1));
  });

  it('lets open sockets of the usual families', () => {
    expect([1, 2, 10, 16].map((family) => ask(numbers.socket, family))).toEqual([allow, allow, allow, allow]);
    expect([0, 17, 38, 40, 44].map((family) => ask(numbers.socket, family))).toEqual(
      Array(5).fill(errno(97)),
    );
  });

  it('lets nobody type into a terminal', () => {
    expect(ask(numbers.ioctl, 0, 0x5413)).toBe(allow);
    expect([0x5412, 0x541c].map((request) => ask(numbers.ioctl, 0, request))).toEqual([errno(1), errno(1)]);
  });

  it('lets nobody make a program that runs as its owner', () => {
    expect(ask(numbers.fchmod, 3, 0o755)).toBe(allow);
    expect([0o4755, 0o2755].map((mode) => ask(numbers.fchmod, 3, mode))).toEqual([errno(1), errno(1)]);
    expect(ask(numbers.openat, 3, 0, 0x41, 0o644)).toBe(allow);
    expect(ask(numbers.openat, 3, 0, 0x41, 0o4755)).toBe(errno(1));
    // Without O_CREAT there is no mode, only what was in the register before.
    expect(ask(numbers.openat, 3, 0, 0, 0o7777)).toBe(allow);
  });
});

it('is left out where we do not know the numbers', () => {
  expect(filterProgram('riscv64')).toBeNull();
});

it('is read from a file by either tool', () => {
  expect(filtering('setpriv', '/file')).toEqual(['setpriv', '--seccomp-filter', '/file', '--']);
  expect(filtering('perl', '/file').slice(3)).toEqual(['/file', process.arch === 'x64' ? '157' : '167']);
});
