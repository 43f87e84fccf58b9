/**
 * Runs a guest module against handlers, in the process of the test: the host's side of doc/spec/20-app-interface.md in
 * its shortest form. Every call is decoded by the strict codecs.
 */
import {
  type HostEventName,
  type HostEventReplies,
  type HostEvents,
  type HostOperationName,
  hostEvents,
  hostOperationName,
  hostOperations,
  hostStatus
} from '@blocktree/app-package'

export interface GuestCall {
  readonly name: HostOperationName
  readonly request: unknown
}

/** Answers a call with a reply, or with the status of a failure. */
export type GuestHost = (
  call: GuestCall
) => { readonly reply: unknown } | { readonly status: number; readonly text: Uint8Array }

/** The part of the WebAssembly interface in use here; the library `esnext` of the language does not describe it. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}
const { WebAssembly: engine } = globalThis as unknown as { readonly WebAssembly: Engine }

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  bt_abi_version(): number
  bt_alloc(length: number): number
  bt_event(kind: number, pointer: number, length: number): bigint
  _initialize?(): void
}

export class Guest {
  readonly calls: GuestCall[] = []
  readonly #exports: Exports
  #kept: Uint8Array = new Uint8Array()

  constructor(module: Uint8Array, host: GuestHost) {
    const call = (op: number, pointer: number, length: number): bigint =>
      this.#call(host, op, pointer, length)
    const take = (pointer: number): void =>
      new Uint8Array(this.#exports.memory.buffer).set(this.#kept, pointer)
    const instance = new engine.Instance(new engine.Module(module), { blocktree: { call, take } })
    this.#exports = instance.exports as Exports
    this.#exports._initialize?.()
  }

  get abiVersion(): number {
    return this.#exports.bt_abi_version()
  }

  send<Name extends HostEventName>(name: Name, request: HostEvents[Name]): HostEventReplies[Name] {
    const { event, encodeRequest, decodeReply } = hostEvents[name]
    return decodeReply(this.sendBytes(event, encodeRequest(request)))
  }

  sendBytes(kind: number, bytes: Uint8Array): Uint8Array {
    const pointer = this.#exports.bt_alloc(bytes.length)
    new Uint8Array(this.#exports.memory.buffer).set(bytes, pointer)
    const result = BigInt.asUintN(64, this.#exports.bt_event(kind, pointer, bytes.length))
    const start = Number(result >> 32n)
    return new Uint8Array(this.#exports.memory.buffer).slice(start, start + Number(result & 0xffff_ffffn))
  }

  #call(host: GuestHost, op: number, pointer: number, length: number): bigint {
    const name = hostOperationName(op)
    if (name === undefined) return BigInt(hostStatus.unsupported) << 32n
    const bytes = new Uint8Array(this.#exports.memory.buffer).slice(pointer, pointer + length)
    const codec = hostOperations[name] as {
      decodeRequest(bytes: Uint8Array): unknown
      encodeReply(reply: unknown): Uint8Array
    }
    const call = { name, request: codec.decodeRequest(bytes) }
    this.calls.push(call)
    const answer = host(call)
    const isReply = 'reply' in answer
    this.#kept = isReply ? codec.encodeReply(answer.reply) : answer.text
    return (BigInt(isReply ? 0 : answer.status) << 32n) | BigInt(this.#kept.length)
  }
}
