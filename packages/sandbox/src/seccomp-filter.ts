/**
 * A seccomp filter in classic BPF, built here: what a sandbox process has no use for is refused with EPERM, so that a
 * hole in the engine meets a kernel that says no. bwrap installs it just before it runs Node.js, so `execve` and reading
 * files must stay; new processes, sockets, tracing, namespaces and changes to files do not.
 */
import { endianness } from 'node:os'

interface Architecture {
  /** AUDIT_ARCH of the kernel. */
  readonly audit: number
  readonly denied: readonly number[]
  readonly clone: number
  readonly clone3: number
  readonly openat: number
  readonly open: number | undefined
}

const architectures: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    clone3: 435,
    openat: 257,
    open: 2,
    denied: [
      41,
      42,
      43,
      44,
      46,
      47,
      49,
      50,
      53,
      288,
      299,
      307, // socket, connect, accept, send, receive, bind, listen
      57,
      58, // fork, vfork
      62,
      200,
      234,
      424,
      434,
      438, // kill and its kin, pidfd
      101,
      310,
      311,
      312,
      440, // ptrace, memory of other processes
      425,
      426,
      427, // io_uring
      165,
      166,
      155,
      161,
      272,
      308,
      428,
      429,
      430,
      431,
      432,
      433,
      442, // mounts, namespaces
      76,
      77,
      82,
      83,
      84,
      85,
      86,
      87,
      88,
      90,
      91,
      92,
      93,
      94,
      132,
      133,
      235,
      258,
      259,
      260,
      261,
      263,
      264,
      265,
      266,
      268,
      280,
      285,
      316,
      439,
      452, // files made, changed, removed
      29,
      30,
      31,
      64,
      65,
      66,
      68,
      69,
      70,
      71,
      240,
      241,
      242,
      243, // System V and POSIX message queues
      105,
      106,
      113,
      114,
      116,
      117,
      119,
      122,
      123,
      126, // identities
      163,
      167,
      168,
      169,
      170,
      171,
      172,
      173,
      175,
      176,
      179,
      246,
      313,
      320, // machine
      248,
      249,
      250,
      298,
      303,
      304,
      321,
      323,
      248,
      444,
      445,
      446,
      159,
      164,
      227 // keys, perf, handles, bpf, clocks
    ]
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    clone3: 435,
    openat: 56,
    open: undefined,
    denied: [
      198, 199, 200, 201, 202, 203, 206, 207, 211, 212, 242, 243, 269, 129, 130, 131, 138, 240, 424, 434, 438,
      117, 270, 271, 272, 440, 425, 426, 427, 39, 40, 41, 51, 97, 268, 428, 429, 430, 431, 432, 433, 442, 33,
      34, 35, 36, 37, 38, 45, 46, 47, 52, 53, 54, 55, 88, 276, 439, 452, 180, 181, 182, 183, 184, 185, 186,
      187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 143, 144, 145, 146, 147, 149, 151, 152, 159, 89,
      104, 105, 106, 142, 161, 162, 224, 225, 273, 294, 217, 218, 219, 241, 264, 265, 280, 282, 444, 445, 446,
      112, 170, 266
    ]
  }
}

const loadWord = 0x20 // BPF_LD | BPF_W | BPF_ABS
const jumpEqual = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
const jumpSet = 0x45 // BPF_JMP | BPF_JSET | BPF_K
const jumpGreaterOrEqual = 0x35 // BPF_JMP | BPF_JGE | BPF_K
const giveBack = 0x06 // BPF_RET | BPF_K
const allow = 0x7fff0000
const kill = 0x80000000
const refuse = 0x00050000 | 1 // errno EPERM
const absent = 0x00050000 | 38 // errno ENOSYS: libraries then fall back to what the filter can judge
const numberOffset = 0
const architectureOffset = 4
const argumentOffset = (index: number): number => 16 + index * 8 // low half on little-endian machines
const cloneThread = 0x10000
const openForChange = 0o1 | 0o2 | 0o100 | 0o1000 // O_WRONLY, O_RDWR, O_CREAT, O_TRUNC
const otherInterface = 0x40000000 // the x32 numbers of x86-64

interface Instruction {
  readonly code: number
  readonly yes: number
  readonly no: number
  readonly value: number
}

/** The filter as bwrap reads it; undefined on machines for which there is none. */
export function buildSeccompFilter(machine: string = process.arch): Uint8Array | undefined {
  const architecture = architectures[machine]
  if (architecture === undefined || endianness() !== 'LE') return undefined
  return encodeInstructions([
    load(architectureOffset),
    { code: jumpEqual, yes: 1, no: 0, value: architecture.audit },
    result(kill),
    load(numberOffset),
    { code: jumpGreaterOrEqual, yes: 0, no: 1, value: otherInterface },
    result(kill),
    ...[...new Set(architecture.denied)].flatMap((number) => when(number, [result(refuse)])),
    ...when(architecture.clone3, [result(absent)]),
    ...when(architecture.clone, [load(argumentOffset(0)), ...unlessBits(cloneThread, refuse)]),
    ...when(architecture.openat, [load(argumentOffset(2)), ...ifBits(openForChange, refuse)]),
    ...(architecture.open === undefined
      ? []
      : when(architecture.open, [load(argumentOffset(1)), ...ifBits(openForChange, refuse)])),
    result(allow)
  ])
}

function load(offset: number): Instruction {
  return { code: loadWord, yes: 0, no: 0, value: offset }
}

function result(value: number): Instruction {
  return { code: giveBack, yes: 0, no: 0, value }
}

/** `body` for one system call; it must end with a result, since it may overwrite the number. */
function when(number: number, body: readonly Instruction[]): readonly Instruction[] {
  return [{ code: jumpEqual, yes: 0, no: body.length, value: number }, ...body]
}

function ifBits(bits: number, then: number): readonly Instruction[] {
  return [{ code: jumpSet, yes: 0, no: 1, value: bits }, result(then), result(allow)]
}

function unlessBits(bits: number, then: number): readonly Instruction[] {
  return [{ code: jumpSet, yes: 1, no: 0, value: bits }, result(then), result(allow)]
}

function encodeInstructions(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8)
  const view = new DataView(bytes.buffer)
  instructions.forEach(({ code, yes, no, value }, index) => {
    view.setUint16(index * 8, code, true)
    view.setUint8(index * 8 + 2, yes)
    view.setUint8(index * 8 + 3, no)
    view.setUint32(index * 8 + 4, value, true)
  })
  return bytes
}
