// The filter of system calls for sandboxed processes: what no server needs, and most holes of the kernel need.
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { shell, toolPath } from './sandbox-tools.ts';

/** Numbers of system calls on x86-64 and on arm64; null where there is none. From 424 on they are the same. */
type Numbers = readonly [x64: number | null, arm64: number | null];
const everywhere = (number: number): Numbers => [number, number];

/** Refused as if we lacked the right: mounts and namespaces, keys of ours, other processes, the machine itself. */
const forbidden: readonly Numbers[] = [
  ...[[165, 40] as const, [166, 39] as const, [155, 41] as const, [161, 51] as const],
  ...[428, 429, 430, 431, 432, 433, 442, 467].map(everywhere),
  ...[[272, 97] as const, [308, 268] as const],
  ...[[303, 264] as const, [304, 265] as const],
  ...[[248, 217] as const, [249, 218] as const, [250, 219] as const],
  ...[[101, 117] as const, [310, 270] as const, [311, 271] as const, [312, 272] as const, everywhere(438)],
  ...[[321, 280] as const, [298, 241] as const, [323, 282] as const, [300, 262] as const],
  ...[[175, 105] as const, [313, 273] as const, [176, 106] as const],
  ...[[246, 104] as const, [320, 294] as const, [169, 142] as const],
  ...[[167, 224] as const, [168, 225] as const, [163, 89] as const, [179, 60] as const, everywhere(443)],
  ...[[164, 170] as const, [227, 112] as const, [159, 171] as const, [305, 266] as const],
  ...[[170, 161] as const, [171, 162] as const, [103, 116] as const, [153, 58] as const, [212, 18] as const],
  ...[[154, null] as const, [172, null] as const, [173, null] as const, [134, null] as const],
];

/** Refused as if the kernel did not have them, so that programs fall back: io_uring, clone3 and openat2 hide what they do. */
const unknown: readonly Numbers[] = [425, 426, 427, 435, 437].map(everywhere);

const clone: Numbers = [56, 220];
const socket: Numbers = [41, 198];
const ioctl: Numbers = [16, 29];
/** With the place of the mode among the arguments. */
const modeSetters: readonly { numbers: Numbers; mode: number; flags: number | null }[] = [
  { numbers: [90, null], mode: 1, flags: null },
  { numbers: [91, 52], mode: 1, flags: null },
  { numbers: [268, 53], mode: 2, flags: null },
  { numbers: everywhere(452), mode: 2, flags: null },
  { numbers: [133, null], mode: 1, flags: null },
  { numbers: [259, 33], mode: 2, flags: null },
  { numbers: [85, null], mode: 1, flags: null },
  { numbers: [2, null], mode: 2, flags: 1 },
  { numbers: [257, 56], mode: 3, flags: 2 },
];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME. */
const namespaceFlags = 0x7e02_0080;
/** O_CREAT and O_TMPFILE: only then there is a mode. */
const creatingFlags = 0x40_0040;
/** S_ISUID and S_ISGID. What a stranger makes must never run as somebody else, wherever it ends up. */
const setidBits = 0o6000;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: the others are the less tended parts of the kernel. */
const families = [1, 2, 10, 16];
/** TIOCSTI and TIOCLINUX type into a terminal. */
const terminalRequests = [0x5412, 0x541c];

const architectures = {
  x64: { column: 0, audit: 0xc000_003e },
  arm64: { column: 1, audit: 0xc000_00b7 },
} as const;

const allow = 0x7fff_0000;
const errno = (code: number): number => 0x0005_0000 | code;
const notPermitted = errno(1);
const notImplemented = errno(38);
const noSuchFamily = errno(97);

/** One instruction of classic BPF: code, two jumps counted from the next one, and a constant. */
type Instruction = readonly [code: number, jumpIf: number, jumpElse: number, constant: number];
const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const answer = (value: number): Instruction => [0x06, 0, 0, value];
const isEqual = (value: number, jumpIf: number, jumpElse: number): Instruction => [
  0x15,
  jumpIf,
  jumpElse,
  value,
];
const isAtLeast = (value: number, jumpIf: number, jumpElse: number): Instruction => [
  0x35,
  jumpIf,
  jumpElse,
  value,
];
const hasAny = (bits: number, jumpIf: number, jumpElse: number): Instruction => [
  0x45,
  jumpIf,
  jumpElse,
  bits,
];

/** In struct seccomp_data; of an argument the lower half, which is all that these are. */
const numberAt = 0;
const architectureAt = 4;
const argumentAt = (index: number): number => 16 + 8 * index;

/** Numbers from here on belong to another ABI of x86-64 (x32), in which every call would have a second number. */
const otherAbi = 0x4000_0000;

/** Null on an architecture whose numbers we do not know. */
export const filterProgram = (architecture: string): Buffer | null => {
  if (architecture !== 'x64' && architecture !== 'arm64') return null;
  const { column, audit } = architectures[architecture];

  /** `body` decides alone: it ends with an answer in every way through it. */
  const when = (numbers: Numbers, body: readonly Instruction[]): Instruction[] => {
    const number = numbers[column];
    return number === null ? [] : [isEqual(number, 0, body.length), ...body];
  };
  const program: Instruction[] = [
    load(architectureAt),
    isEqual(audit, 1, 0),
    answer(notPermitted),
    load(numberAt),
    isAtLeast(otherAbi, 0, 1),
    answer(notImplemented),
    ...unknown.flatMap((numbers) => when(numbers, [answer(notImplemented)])),
    ...forbidden.flatMap((numbers) => when(numbers, [answer(notPermitted)])),
    ...when(clone, [load(argumentAt(0)), hasAny(namespaceFlags, 0, 1), answer(notPermitted), answer(allow)]),
    ...when(socket, [
      load(argumentAt(0)),
      ...families.map((family, index) => isEqual(family, families.length - index, 0)),
      answer(noSuchFamily),
      answer(allow),
    ]),
    ...when(ioctl, [
      load(argumentAt(1)),
      ...terminalRequests.map((request, index) => isEqual(request, terminalRequests.length - index, 0)),
      answer(allow),
      answer(notPermitted),
    ]),
    ...modeSetters.flatMap(({ numbers, mode, flags }) =>
      when(numbers, [
        ...(flags === null ? [] : [load(argumentAt(flags)), hasAny(creatingFlags, 1, 0), answer(allow)]),
        ...[load(argumentAt(mode)), hasAny(setidBits, 0, 1), answer(notPermitted), answer(allow)],
      ]),
    ),
    answer(allow),
  ];
  return Buffer.concat(program.map(encode));
};

const encode = ([code, jumpIf, jumpElse, constant]: Instruction): Buffer => {
  const bytes = Buffer.alloc(8);
  // Both architectures are little-endian.
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(jumpIf, 2);
  bytes.writeUInt8(jumpElse, 3);
  bytes.writeUInt32LE(constant, 4);
  return bytes;
};

/** `setpriv`: util-linux 2.41 can do it. `perl`: it calls the kernel itself. */
export type FilterMethod = 'setpriv' | 'perl';

/** PR_SET_SECCOMP with a filter; prctl is 157 or 167. Arguments: the file, the number of prctl, the command. */
const filterScript = `
my ($file, $prctl) = splice @ARGV, 0, 2;
open(my $handle, '<:raw', $file) or die "$file: $!";
read($handle, my $filter, 1 << 16);
my $program = pack('S x![P] P', length($filter) / 8, $filter);
syscall($prctl + 0, 22, 2, $program, 0, 0) == 0 or die "filter of system calls: $!";
exec { $ARGV[0] } @ARGV;
die "$ARGV[0]: $!";
`;

/** Becomes a command that is filtered, and that must have given up new privileges before. */
export const filtering = (method: FilterMethod, file: string): string[] =>
  method === 'setpriv'
    ? ['setpriv', '--seccomp-filter', file, '--']
    : ['perl', '-e', filterScript, file, process.arch === 'x64' ? '157' : '167'];

const run = promisify(execFile);

/** Which of the two works here, by trying; null where neither does. @param folder ours */
export const findFilterMethod = async (folder: string): Promise<FilterMethod | null> => {
  const program = filterProgram(process.arch);
  if (program === null) return null;
  const file = join(folder, 'trial-filter');
  await writeFile(file, program);
  const isFiltered =
    'while read -r key value; do [ "$key $value" = "Seccomp: 2" ] && exit 0; done </proc/self/status; exit 1';
  const works = (method: FilterMethod): Promise<boolean> =>
    run('setpriv', ['--no-new-privs', '--', ...filtering(method, file), shell, '-c', isFiltered], {
      env: { PATH: toolPath, LC_ALL: 'C' },
    }).then(
      () => true,
      () => false,
    );
  try {
    if (await works('setpriv')) return 'setpriv';
    return (await works('perl')) ? 'perl' : null;
  } finally {
    await rm(file);
  }
};
