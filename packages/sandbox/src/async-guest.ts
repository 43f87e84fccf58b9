/**
 * A guest whose host calls are promises: V8 suspends it while one is pending. The memory runner alone uses it; in a
 * sandbox process a host call blocks, which is cheaper.
 */
import type { AppRunLimits } from '@blocktree/app-package'
import { fuelExport } from '@blocktree/wasm-module'
import { GuestFault, type GuestImport } from './engine.ts'
import type { Preview1Host } from './preview1-host.ts'
import { preview1Imports } from './preview1.ts'
import {
  checkResult,
  compileModule,
  exportedFunction,
  faultOf,
  instantiateModule,
  isFuelGlobal
} from './v8-engine.ts'
import {
  type WasmGlobal,
  type WasmImports,
  type WasmInstance,
  type WasmValue,
  webAssembly
} from './web-assembly.ts'

/** What a guest sees of the world through preview 1: a simulator gives it the seed's chance and its own time. */
export interface GuestSurroundings {
  randomFill(target: Uint8Array): void
  /** Nanoseconds since 1970. */
  realTime(): bigint
  /** Nanoseconds that never go back. */
  monotonicTime(): bigint
}

const machineSurroundings: GuestSurroundings = {
  randomFill: (target) => target.set(crypto.getRandomValues(new Uint8Array(target.length))),
  realTime: () => BigInt(Date.now()) * 1_000_000n,
  monotonicTime: () => process.hrtime.bigint()
}

interface AsyncHost {
  call(op: number, payload: Uint8Array): Promise<{ readonly status: number; readonly payload: Uint8Array }>
  log(stream: 1 | 2, text: string): void
}

/** @returns what hands one event to the guest; GuestFault ends it */
export async function createAsyncGuest(
  module: Uint8Array,
  host: AsyncHost,
  limits: AppRunLimits,
  surroundings: GuestSurroundings = machineSurroundings
): Promise<(kind: number, payload: Uint8Array) => Promise<Uint8Array>> {
  const linked: { memory?: () => Uint8Array } = {}
  const memory = (): Uint8Array => {
    if (linked.memory === undefined) throw new GuestFault('module', 'its start function calls the host')
    return linked.memory()
  }
  const instance = instantiateModule(compileModule(module), {
    ...asyncHostImports(memory, host),
    ...linkSync(preview1Imports(memory, preview1Host(host, surroundings)))
  })
  linked.memory = () => exportedMemory(instance)
  const fuel = instance.exports[fuelExport]
  if (!isFuelGlobal(fuel)) throw new GuestFault('module', 'it counts no fuel')
  fuel.value = BigInt(limits.fuel)
  const call = createCaller(instance, fuel)
  if (typeof instance.exports['_initialize'] === 'function') await call('_initialize', [], undefined)
  if ((await call('bt_abi_version', [], 'i32')) !== 1)
    throw new GuestFault('module', 'it speaks another version')
  return async (kind, payload) => {
    fuel.value = BigInt(limits.fuel)
    return await sendEvent({ call, memory, instance }, kind, payload)
  }
}

type Caller = (
  name: string,
  values: readonly number[],
  result: 'i32' | 'i64' | undefined
) => Promise<number | bigint>

function createCaller(instance: WasmInstance, fuel: WasmGlobal): Caller {
  return async (name, values, result) => {
    const target = exportedFunction(instance.exports, name, values.length)
    try {
      return checkResult(name, await webAssembly.promising(target)(...values), result)
    } catch (error) {
      if (error instanceof webAssembly.RuntimeError || error instanceof RangeError) throw faultOf(error, fuel)
      throw error
    }
  }
}

async function sendEvent(
  { call, memory, instance }: { call: Caller; memory: () => Uint8Array; instance: WasmInstance },
  kind: number,
  payload: Uint8Array
): Promise<Uint8Array> {
  let pointer = 0
  if (payload.length > 0) {
    pointer = Number(await call('bt_alloc', [payload.length], 'i32')) >>> 0
    memory().set(payload, pointer)
  }
  const packed = BigInt.asUintN(64, BigInt(await call('bt_event', [kind, pointer, payload.length], 'i64')))
  const length = Number(packed & 0xffff_ffffn)
  const start = Number(packed >> 32n)
  const answer = memory().slice(start, start + length)
  if (answer.length !== length) throw new GuestFault('payload', 'its answer is outside its memory')
  if (length > 0 && typeof instance.exports['bt_free'] === 'function') {
    await call('bt_free', [start, length], undefined)
  }
  return answer
}

function asyncHostImports(memory: () => Uint8Array, host: AsyncHost): WasmImports {
  let parked = new Uint8Array(0)
  const call = async (...[op, pointer, length]: WasmValue[]): Promise<bigint> => {
    const start = Number(pointer) >>> 0
    const request = memory().slice(start, start + (Number(length) >>> 0))
    const reply = await host.call(Number(op), request)
    parked = reply.payload.slice()
    return (BigInt(reply.status) << 32n) | BigInt(parked.length)
  }
  const take = (pointer: number): void => {
    memory().set(parked, pointer >>> 0)
    parked = new Uint8Array(0)
  }
  return { blocktree: { call: new webAssembly.Suspending(call), take } }
}

function linkSync(imports: readonly GuestImport[]): WasmImports {
  return { wasi_snapshot_preview1: Object.fromEntries(imports.map(({ name, run }) => [name, run])) }
}

function preview1Host(host: AsyncHost, surroundings: GuestSurroundings): Preview1Host {
  return {
    arguments: ['app'],
    environment: [],
    log: (stream, text) => host.log(stream, new TextDecoder().decode(text)),
    randomFill: (target) => surroundings.randomFill(target),
    realTime: () => surroundings.realTime(),
    monotonicTime: () => surroundings.monotonicTime(),
    sleep: () => undefined
  }
}

function exportedMemory({ exports }: WasmInstance): Uint8Array {
  const memory = exports['memory']
  if (!(memory instanceof webAssembly.Memory)) throw new GuestFault('module', 'it exports no memory')
  return new Uint8Array(memory.buffer)
}
