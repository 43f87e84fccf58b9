/**
 * The wasmtime engine: fuel, store limits and traps by the library itself. The module runs as its author made it.
 * Imports are callbacks on the same thread (measured: 0.3 us each); they must not throw into native code, so a fault is
 * kept aside, a trap is returned, and the fault is thrown when the outermost call has come back.
 */
import {
  type EngineInstance,
  GuestFault,
  type GuestImport,
  type InstantiateOptions,
  type ValueType,
  type WasmEngine
} from './engine.ts'
import { pinnedEngineVersion } from './engine-pins.ts'
import { SandboxError } from './sandbox-error.ts'
import { layout, loadWasmtimeLibrary, takeMessage, type WasmtimeLibrary } from './wasmtime-library.ts'

const kindOf = { i32: 0, i64: 1 } as const
const externKindFunction = 0
const externKindMemory = 3
const trapCodeOutOfFuel = 11
const stackBytesMax = 512n * 1024n
const encoder = new TextEncoder()

/** @param options `countsFuel` false: nothing ends a loop but the end of the process; to measure what counting costs */
export function createWasmtimeEngine(
  libraryPath: string | undefined,
  options: { readonly countsFuel: boolean } = { countsFuel: true }
): WasmEngine {
  if (libraryPath === undefined)
    throw new SandboxError('ERR_SANDBOX_ENGINE', 'no path of libwasmtime was given')
  const native = loadWasmtimeLibrary(libraryPath)
  const engine = createNativeEngine(native, options.countsFuel)
  return {
    name: 'wasmtime',
    version: pinnedEngineVersion,
    check(module) {
      const error = native.functions.wasmtime_module_validate(engine, module, BigInt(module.length))
      if (error !== 0n) throw new GuestFault('module', takeError(native, error))
    },
    instantiate: (asked) => new WasmtimeInstance(native, engine, asked, options.countsFuel)
  }
}

function createNativeEngine({ functions }: WasmtimeLibrary, countsFuel: boolean): bigint {
  const config = functions.wasm_config_new()
  functions.wasmtime_config_consume_fuel_set(config, countsFuel ? 1 : 0)
  functions.wasmtime_config_parallel_compilation_set(config, 0)
  functions.wasmtime_config_wasm_threads_set(config, 0)
  functions.wasmtime_config_wasm_memory64_set(config, 0)
  functions.wasmtime_config_wasm_multi_memory_set(config, 0)
  // Images of memory are kept in anonymous files, which a limit of 0 bytes for files forbids.
  functions.wasmtime_config_memory_init_cow_set(config, 0)
  functions.wasmtime_config_max_wasm_stack_set(config, stackBytesMax)
  return functions.wasm_engine_new_with_config(config)
}

function takeError(native: WasmtimeLibrary, error: bigint): string {
  const message = takeMessage(native, native.functions.wasmtime_error_message, error)
  native.functions.wasmtime_error_delete(error)
  return message
}

class WasmtimeInstance implements EngineInstance {
  readonly #native: WasmtimeLibrary
  readonly #store: bigint
  readonly #context: bigint
  readonly #instance = new Uint8Array(layout.instanceBytes)
  readonly #trap = new BigUint64Array(1)
  readonly #exports = new Map<string, Uint8Array | undefined>()
  readonly #callbacks: bigint[] = []
  #pending: GuestFault | undefined
  #view = new Uint8Array(0)
  #viewAddress = 0n

  constructor(native: WasmtimeLibrary, engine: bigint, options: InstantiateOptions, countsFuel: boolean) {
    this.#native = native
    const { functions } = native
    const module = this.#compile(engine, options.module)
    this.#store = functions.wasmtime_store_new(engine, null, null)
    this.#context = functions.wasmtime_store_context(this.#store)
    const memoryBytes = BigInt(options.memoryPages) * 65_536n
    functions.wasmtime_store_limiter(this.#store, memoryBytes, BigInt(options.tableElements), 1n, 16n, 1n)
    if (countsFuel) this.setFuel(options.fuel)
    const linker = functions.wasmtime_linker_new(engine)
    for (const entry of options.imports) this.#define(linker, entry)
    this.#trap[0] = 0n
    const error = functions.wasmtime_linker_instantiate(
      linker,
      this.#context,
      module,
      this.#instance,
      this.#trap
    )
    functions.wasmtime_linker_delete(linker)
    functions.wasmtime_module_delete(module)
    if (error !== 0n) throw this.#pending ?? new GuestFault('module', takeError(native, error))
    this.#throwTrap()
  }

  memory(): Uint8Array {
    const { functions, ffi } = this.#native
    const exported = this.#export('memory')
    if (exported?.[0] !== externKindMemory) throw new GuestFault('module', 'it exports no memory')
    const memory = exported.subarray(layout.externOffset, layout.externOffset + layout.memoryBytes)
    const address = functions.wasmtime_memory_data(this.#context, memory)
    const size = Number(functions.wasmtime_memory_data_size(this.#context, memory))
    if (size !== this.#view.length || address !== this.#viewAddress) {
      this.#view = size === 0 ? new Uint8Array(0) : new Uint8Array(ffi.toArrayBuffer(address, size, false))
      this.#viewAddress = address
    }
    return this.#view
  }

  hasFunction(name: string): boolean {
    return this.#export(name)?.[0] === externKindFunction
  }

  call(name: string, parameters: readonly number[], result: ValueType | undefined): number | bigint {
    if (!this.hasFunction(name)) throw new GuestFault('module', `it exports no function "${name}"`)
    const target = this.#export(name)?.subarray(layout.externOffset) ?? new Uint8Array(0)
    const given = new Uint8Array(Math.max(1, parameters.length) * layout.valueBytes)
    const givenView = new DataView(given.buffer)
    parameters.forEach((value, index) => {
      givenView.setUint8(index * layout.valueBytes, kindOf.i32)
      givenView.setInt32(index * layout.valueBytes + layout.valueOffset, value, true)
    })
    const returned = new Uint8Array(layout.valueBytes)
    this.#trap[0] = 0n
    this.#pending = undefined
    const error = this.#native.functions.wasmtime_func_call(
      this.#context,
      target,
      given,
      BigInt(parameters.length),
      returned,
      result === undefined ? 0n : 1n,
      this.#trap
    )
    if (error !== 0n) this.#throwError(name, error)
    this.#throwTrap()
    return readResult(name, returned, result)
  }

  setFuel(fuel: number): void {
    const error = this.#native.functions.wasmtime_context_set_fuel(this.#context, BigInt(fuel))
    if (error !== 0n) throw new GuestFault('internal', takeError(this.#native, error))
  }

  fuelLeft(): number {
    const left = new BigUint64Array(1)
    const error = this.#native.functions.wasmtime_context_get_fuel(this.#context, left)
    if (error !== 0n) throw new GuestFault('internal', takeError(this.#native, error))
    return Number(left[0] ?? 0n)
  }

  dispose(): void {
    this.#view = new Uint8Array(0)
    this.#native.functions.wasmtime_store_delete(this.#store)
    for (const callback of this.#callbacks) this.#native.library.unregisterCallback(callback)
  }

  #compile(engine: bigint, module: Uint8Array): bigint {
    const compiled = new BigUint64Array(1)
    const error = this.#native.functions.wasmtime_module_new(engine, module, BigInt(module.length), compiled)
    if (error !== 0n) throw new GuestFault('module', takeError(this.#native, error))
    return compiled[0] ?? 0n
  }

  #export(name: string): Uint8Array | undefined {
    if (this.#exports.has(name)) return this.#exports.get(name)
    const bytes = encoder.encode(name)
    const item = new Uint8Array(layout.externBytes)
    const { functions } = this.#native
    const isThere = functions.wasmtime_instance_export_get(
      this.#context,
      this.#instance,
      bytes,
      BigInt(bytes.length),
      item
    )
    const found = isThere !== 0 ? item : undefined
    this.#exports.set(name, found)
    return found
  }

  #define(linker: bigint, entry: GuestImport): void {
    const { functions } = this.#native
    const callback = this.#registerImport(entry)
    const type = this.#functionType(entry)
    const module = encoder.encode(entry.module)
    const name = encoder.encode(entry.name)
    const error = functions.wasmtime_linker_define_func_unchecked(
      linker,
      module,
      BigInt(module.length),
      name,
      BigInt(name.length),
      type,
      callback,
      null,
      null
    )
    functions.wasm_functype_delete(type)
    if (error !== 0n) throw new GuestFault('internal', takeError(this.#native, error))
  }

  /** Raw values stand one after the other; the result replaces the first. @returns a trap, or 0 */
  #registerImport({ parameters, result, run }: GuestImport): bigint {
    const { ffi, library } = this.#native
    const callback = library.registerCallback(
      { return: 'u64', arguments: ['pointer', 'pointer', 'pointer', 'u64'] },
      (_environment, _caller, values) => {
        try {
          const address = addressOf(values)
          const given = parameters.map((type, index) =>
            type === 'i32'
              ? ffi.getInt32(address, index * layout.rawValueBytes)
              : ffi.getInt64(address, index * layout.rawValueBytes)
          )
          const value = run(...given)
          if (result === 'i32') ffi.setInt32(address, 0, Number(value))
          else if (result === 'i64') ffi.setInt64(address, 0, BigInt.asIntN(64, BigInt(value ?? 0)))
          return 0n
        } catch (error) {
          return this.#trapFor(error)
        }
      }
    )
    this.#callbacks.push(callback)
    return callback
  }

  #trapFor(error: unknown): bigint {
    this.#pending =
      error instanceof GuestFault
        ? error
        : new GuestFault('internal', error instanceof Error ? error.message : String(error))
    const text = encoder.encode('host')
    return this.#native.functions.wasmtime_trap_new(text, BigInt(text.length))
  }

  #functionType({ parameters, result }: GuestImport): bigint {
    const { functions } = this.#native
    const vector = (types: readonly ValueType[]): BigUint64Array => {
      const target = new BigUint64Array(2)
      const values = BigUint64Array.from(types.map((type) => functions.wasm_valtype_new(kindOf[type])))
      functions.wasm_valtype_vec_new(target, BigInt(types.length), types.length === 0 ? null : values)
      return target
    }
    return functions.wasm_functype_new(vector(parameters), vector(result === undefined ? [] : [result]))
  }

  #throwError(name: string, error: bigint): never {
    const message = takeError(this.#native, error)
    throw this.#pending ?? new GuestFault('module', `"${name}": ${message}`)
  }

  #throwTrap(): void {
    const trap = this.#trap[0] ?? 0n
    if (trap === 0n) return
    const { functions } = this.#native
    const code = new Uint8Array(4)
    const hasCode = functions.wasmtime_trap_code(trap, code)
    const message = takeMessage(this.#native, functions.wasm_trap_message, trap)
    functions.wasm_trap_delete(trap)
    if (this.#pending !== undefined) throw this.#pending
    if (hasCode !== 0 && code[0] === trapCodeOutOfFuel) throw new GuestFault('fuel', 'it used up its fuel')
    throw new GuestFault('trap', reasonOf(message))
  }
}

/** The last line of a message is the reason, the rest a backtrace without names. */
function reasonOf(message: string): string {
  const last = message.trimEnd().split('\n').at(-1) ?? message
  return last.trim().replace(/^wasm trap: /, '')
}

function readResult(name: string, returned: Uint8Array, expected: ValueType | undefined): number | bigint {
  if (expected === undefined) return 0
  const view = new DataView(returned.buffer)
  if (view.getUint8(0) !== kindOf[expected]) {
    throw new GuestFault('module', `"${name}" does not return ${expected}`)
  }
  return expected === 'i32'
    ? view.getInt32(layout.valueOffset, true)
    : view.getBigInt64(layout.valueOffset, true)
}

/** Addresses reach a callback as bigint; its declared type allows for more. */
function addressOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  throw new GuestFault('internal', `an address came as ${typeof value}`)
}
