/**
 * The guest interface, version 1, over any engine (doc/spec/19-sandbox-frames.md, section 7): how an event enters the
 * guest's memory, how its answer leaves it, and the two imports through which it calls the host. Every pointer of the
 * guest is checked against the memory it has at that moment.
 */
import { type EngineInstance, GuestFault, type GuestImport, type WasmEngine } from './engine.ts'
import type { Preview1Host } from './preview1-host.ts'
import { preview1Imports } from './preview1.ts'

const interfaceVersion = 1

export interface GuestHost extends Preview1Host {
  /** Blocks until the node has answered; the reply is a view that the next frame may overwrite. */
  call(op: number, payload: Uint8Array): { readonly status: number; readonly payload: Uint8Array }
}

export interface GuestOptions {
  readonly engine: WasmEngine
  readonly module: Uint8Array
  readonly host: GuestHost
  readonly memoryPages: number
  readonly tableElements: number
  readonly payloadBytes: number
  readonly fuel: number
}

export interface Guest {
  /** Fuel that instantiation and `_initialize` took. */
  readonly loadFuel: number
  /** Hands one event to the guest; the answer is a copy. GuestFault ends the guest: it may not be used again. */
  invoke(
    kind: number,
    payload: Uint8Array,
    fuel: number
  ): { readonly payload: Uint8Array; readonly fuelUsed: number }
  dispose(): void
}

/** Instantiates the module, checks its version and runs `_initialize`. Throws GuestFault. */
export function createGuest(options: GuestOptions): Guest {
  const { engine, module, host, memoryPages, tableElements, fuel, payloadBytes } = options
  const linked: { instance?: EngineInstance } = {}
  const memory = (): Uint8Array => {
    if (linked.instance === undefined) throw new GuestFault('module', 'its start function calls the host')
    return linked.instance.memory()
  }
  const replies: ParkedReply = { bytes: nothing }
  const imports = [...hostImports(memory, host, payloadBytes, replies), ...preview1Imports(memory, host)]
  const instance = engine.instantiate({ module, imports, memoryPages, tableElements, fuel })
  linked.instance = instance
  initialize(instance)
  return {
    loadFuel: fuel - instance.fuelLeft(),
    invoke(kind, payload, amount) {
      instance.setFuel(amount)
      replies.bytes = nothing
      const answer = sendEvent(instance, kind, payload, payloadBytes)
      return { payload: answer, fuelUsed: amount - instance.fuelLeft() }
    },
    dispose: () => instance.dispose()
  }
}

function initialize(instance: EngineInstance): void {
  instance.memory()
  if (instance.hasFunction('_initialize')) instance.call('_initialize', [], undefined)
  const version = instance.call('bt_abi_version', [], 'i32')
  if (version !== interfaceVersion) {
    throw new GuestFault(
      'module',
      `it speaks version ${version} of the guest interface, not ${interfaceVersion}`
    )
  }
  for (const name of ['bt_alloc', 'bt_event']) {
    if (!instance.hasFunction(name)) throw new GuestFault('module', `it exports no function "${name}"`)
  }
}

function sendEvent(
  instance: EngineInstance,
  kind: number,
  payload: Uint8Array,
  payloadBytes: number
): Uint8Array {
  let pointer = 0
  if (payload.length > 0) {
    pointer = Number(instance.call('bt_alloc', [payload.length], 'i32')) >>> 0
    slice(instance.memory(), pointer, payload.length, 'bt_alloc').set(payload)
  }
  const packed = BigInt.asUintN(64, BigInt(instance.call('bt_event', [kind, pointer, payload.length], 'i64')))
  const length = Number(packed & 0xffff_ffffn)
  if (length === 0) return new Uint8Array(0)
  if (length > payloadBytes) throw tooLong('bt_event answers', length, payloadBytes)
  const start = Number(packed >> 32n)
  const answer = slice(instance.memory(), start, length, 'bt_event').slice()
  if (instance.hasFunction('bt_free')) instance.call('bt_free', [start, length], undefined)
  return answer
}

const nothing = new Uint8Array(0)

/** The reply that `take` will copy: a view of what was received, valid until the next frame is read. */
interface ParkedReply {
  bytes: Uint8Array
}

/** `call` parks the reply on this side until `take` copies it: the guest learns its length before it makes room. */
function hostImports(
  memory: () => Uint8Array,
  host: GuestHost,
  payloadBytes: number,
  parked: ParkedReply
): readonly GuestImport[] {
  return [
    {
      module: 'blocktree',
      name: 'call',
      parameters: ['i32', 'i32', 'i32'],
      result: 'i64',
      run(op, pointer, length) {
        const size = Number(length) >>> 0
        if (size > payloadBytes) throw tooLong('blocktree.call hands over', size, payloadBytes)
        const request = slice(memory(), Number(pointer) >>> 0, size, 'blocktree.call')
        const reply = host.call(Number(op) & 0x7fff_ffff, request)
        parked.bytes = reply.payload
        return (BigInt(reply.status) << 32n) | BigInt(reply.payload.length)
      }
    },
    {
      module: 'blocktree',
      name: 'take',
      parameters: ['i32'],
      result: undefined,
      run(pointer) {
        const { bytes } = parked
        slice(memory(), Number(pointer) >>> 0, bytes.length, 'blocktree.take').set(bytes)
        parked.bytes = nothing
        return undefined
      }
    }
  ]
}

function slice(memory: Uint8Array, start: number, length: number, what: string): Uint8Array {
  if (start + length <= memory.length) return memory.subarray(start, start + length)
  throw new GuestFault('payload', `${what}: ${length} bytes at ${start} are outside its memory`)
}

function tooLong(what: string, length: number, most: number): GuestFault {
  return new GuestFault('payload', `${what} ${length} bytes; at most ${most} are allowed`)
}
