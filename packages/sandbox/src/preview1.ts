/**
 * Our own subset of WASI preview 1: what toolchains link in whether an app wants it or not. Clocks, randomness,
 * arguments and environment (an app has one and none), stdout and stderr as the app's log, exit, yield, and waiting for a
 * clock. There are no files, no preopened directories and no sockets: all else answers ENOSYS. `node:wasi` is not used:
 * by its own documentation it is no sandbox.
 */
import { wasiImports, wasiModule } from '@blocktree/wasm-module'
import { GuestFault, type GuestImport, type ValueType } from './engine.ts'
import { errno, type Preview1Host } from './preview1-host.ts'
import { pollClocks } from './preview1-poll.ts'

const fileTypeCharacterDevice = 2
const rightFdWrite = 0x40n
const vectorsMax = 1024
const descriptorMax = 2 // stdin, stdout, stderr

/** Values that are i64 are not needed by any handler and come as 0. */
type Handler = (memory: DataView, values: readonly number[]) => number

/** Every function of preview 1, so that any module links; those without a handler here answer ENOSYS. */
export function preview1Imports(memory: () => Uint8Array, host: Preview1Host): readonly GuestImport[] {
  const own = ownFunctions(host)
  return [...wasiImports].map(([name, type]) => {
    const parameters = type.parameters.map((value): ValueType => (value === 'i64' ? 'i64' : 'i32'))
    if (name === 'proc_exit') return { module: wasiModule, name, parameters, result: undefined, run: exit }
    const handler = own[name] ?? (() => errno.nosys)
    return { module: wasiModule, name, parameters, result: 'i32', run: withMemory(memory, handler) }
  })
}

function exit(status?: number | bigint): never {
  const number = Number(status ?? 0) >>> 0
  throw new GuestFault('exit', `it ended itself with status ${number}`, number)
}

/** A pointer outside the memory is EFAULT. */
function withMemory(memory: () => Uint8Array, handler: Handler): GuestImport['run'] {
  return (...given) => {
    const bytes = memory()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const narrow = given.map((value) => (typeof value === 'bigint' ? 0 : value >>> 0))
    try {
      return handler(view, narrow)
    } catch (error) {
      if (error instanceof RangeError) return errno.fault
      throw error
    }
  }
}

function ownFunctions(host: Preview1Host): Readonly<Record<string, Handler>> {
  return {
    args_sizes_get: (memory, values) => writeSizes(memory, values, host.arguments),
    args_get: (memory, values) => writeTexts(memory, values, host.arguments),
    environ_sizes_get: (memory, values) => writeSizes(memory, values, host.environment),
    environ_get: (memory, values) => writeTexts(memory, values, host.environment),
    clock_res_get: (memory, [clock = 0, result = 0]) => resolution(memory, clock, result),
    clock_time_get: (memory, [clock = 0, , result = 0]) => time(memory, clock, result, host),
    random_get(memory, [pointer = 0, length = 0]) {
      host.randomFill(bytesAt(memory, pointer, length))
      return errno.success
    },
    fd_write: (memory, values) => write(memory, values, host),
    fd_close: (_memory, [descriptor = 0]) => known(descriptor),
    fd_seek: (_memory, [descriptor = 0]) => (descriptor <= descriptorMax ? errno.spipe : errno.badf),
    fd_fdstat_get: descriptorStatus,
    // No preopened directories: that is how programs find out that there are no files.
    fd_prestat_get: () => errno.badf,
    fd_prestat_dir_name: () => errno.badf,
    sched_yield: () => errno.success,
    poll_oneoff: (memory, values) => pollClocks(memory, values, host)
  }
}

function writeSizes(
  memory: DataView,
  [count = 0, size = 0]: readonly number[],
  texts: readonly string[]
): number {
  memory.setUint32(count, texts.length, true)
  memory.setUint32(
    size,
    texts.reduce((sum, text) => sum + terminated(text).length, 0),
    true
  )
  return errno.success
}

function writeTexts(
  memory: DataView,
  [pointers = 0, buffer = 0]: readonly number[],
  texts: readonly string[]
): number {
  let at = buffer
  for (const [index, text] of texts.entries()) {
    const bytes = terminated(text)
    memory.setUint32(pointers + index * 4, at, true)
    bytesAt(memory, at, bytes.length).set(bytes)
    at += bytes.length
  }
  return errno.success
}

function terminated(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`)
}

function resolution(memory: DataView, clock: number, result: number): number {
  if (clock > 1) return errno.inval
  memory.setBigUint64(result, 1000n, true)
  return errno.success
}

function time(memory: DataView, clock: number, result: number, host: Preview1Host): number {
  if (clock > 1) return errno.inval // 2 and 3, processor time, are not offered
  memory.setBigUint64(result, clock === 0 ? host.realTime() : host.monotonicTime(), true)
  return errno.success
}

function write(
  memory: DataView,
  [descriptor = 0, vectors = 0, count = 0, result = 0]: readonly number[],
  host: Preview1Host
): number {
  if (descriptor !== 1 && descriptor !== 2) return errno.badf
  if (count > vectorsMax) return errno.inval
  let written = 0
  for (let index = 0; index < count; index++) {
    const text = bytesAt(
      memory,
      memory.getUint32(vectors + index * 8, true),
      memory.getUint32(vectors + index * 8 + 4, true)
    )
    if (text.length > 0) host.log(descriptor, text)
    written += text.length
  }
  memory.setUint32(result, written, true)
  return errno.success
}

function known(descriptor: number): number {
  return descriptor <= descriptorMax ? errno.success : errno.badf
}

function descriptorStatus(memory: DataView, [descriptor = 0, result = 0]: readonly number[]): number {
  if (descriptor > descriptorMax) return errno.badf
  bytesAt(memory, result, 24).fill(0)
  memory.setUint8(result, fileTypeCharacterDevice)
  memory.setBigUint64(result + 8, descriptor === 0 ? 0n : rightFdWrite, true)
  return errno.success
}

/** RangeError outside the memory. */
function bytesAt(memory: DataView, start: number, length: number): Uint8Array {
  return new Uint8Array(memory.buffer, memory.byteOffset + start, checkedLength(memory, start, length))
}

function checkedLength(memory: DataView, start: number, length: number): number {
  if (start + length > memory.byteLength) throw new RangeError('outside the memory')
  return length
}
