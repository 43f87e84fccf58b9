/**
 * libwasmtime's C API through `node:ffi`: the functions in use, the sizes of its structures, and texts of its errors.
 * Structures differ between major versions, so the file is loaded only when it is the pinned one (`engine-pins.ts`).
 */
import type * as ffi from 'node:ffi'
import { SandboxError } from './sandbox-error.ts'

/** Sizes in bytes and places of fields in version 49. */
export const layout = {
  valueBytes: 32,
  valueOffset: 8,
  externBytes: 32,
  externOffset: 8,
  rawValueBytes: 16,
  instanceBytes: 16,
  memoryBytes: 24
} as const

/** An address, or bytes whose address is passed. */
type Pointer = bigint | Uint8Array | BigUint64Array | null

/** As the library's headers declare them; a `bool` comes as a number. */
// oxlint-disable max-params -- the number of parameters is the library's
export interface WasmtimeFunctions {
  readonly wasm_config_new: () => bigint
  readonly wasmtime_config_consume_fuel_set: (a: Pointer, b: number) => void
  readonly wasmtime_config_parallel_compilation_set: (a: Pointer, b: number) => void
  readonly wasmtime_config_wasm_threads_set: (a: Pointer, b: number) => void
  readonly wasmtime_config_wasm_memory64_set: (a: Pointer, b: number) => void
  readonly wasmtime_config_wasm_multi_memory_set: (a: Pointer, b: number) => void
  readonly wasmtime_config_memory_init_cow_set: (a: Pointer, b: number) => void
  readonly wasmtime_config_max_wasm_stack_set: (a: Pointer, b: bigint) => void
  readonly wasm_engine_new_with_config: (a: Pointer) => bigint
  readonly wasmtime_module_new: (a: Pointer, b: Pointer, c: bigint, d: Pointer) => bigint
  readonly wasmtime_module_validate: (a: Pointer, b: Pointer, c: bigint) => bigint
  readonly wasmtime_module_delete: (a: Pointer) => void
  readonly wasmtime_store_new: (a: Pointer, b: Pointer, c: Pointer) => bigint
  readonly wasmtime_store_delete: (a: Pointer) => void
  readonly wasmtime_store_context: (a: Pointer) => bigint
  readonly wasmtime_store_limiter: (a: Pointer, b: bigint, c: bigint, d: bigint, e: bigint, f: bigint) => void
  readonly wasmtime_context_set_fuel: (a: Pointer, b: bigint) => bigint
  readonly wasmtime_context_get_fuel: (a: Pointer, b: Pointer) => bigint
  readonly wasmtime_linker_new: (a: Pointer) => bigint
  readonly wasmtime_linker_delete: (a: Pointer) => void
  readonly wasmtime_linker_define_func_unchecked: (
    a: Pointer,
    b: Pointer,
    c: bigint,
    d: Pointer,
    e: bigint,
    f: Pointer,
    g: Pointer,
    h: Pointer,
    i: Pointer
  ) => bigint
  readonly wasmtime_linker_instantiate: (a: Pointer, b: Pointer, c: Pointer, d: Pointer, e: Pointer) => bigint
  readonly wasmtime_instance_export_get: (a: Pointer, b: Pointer, c: Pointer, d: bigint, e: Pointer) => number
  readonly wasmtime_func_call: (
    a: Pointer,
    b: Pointer,
    c: Pointer,
    d: bigint,
    e: Pointer,
    f: bigint,
    g: Pointer
  ) => bigint
  readonly wasmtime_memory_data: (a: Pointer, b: Pointer) => bigint
  readonly wasmtime_memory_data_size: (a: Pointer, b: Pointer) => bigint
  readonly wasm_valtype_new: (a: number) => bigint
  readonly wasm_valtype_vec_new: (a: Pointer, b: bigint, c: Pointer) => void
  readonly wasm_functype_new: (a: Pointer, b: Pointer) => bigint
  readonly wasm_functype_delete: (a: Pointer) => void
  readonly wasmtime_error_message: (a: Pointer, b: Pointer) => void
  readonly wasmtime_error_delete: (a: Pointer) => void
  readonly wasm_trap_message: (a: Pointer, b: Pointer) => void
  readonly wasmtime_trap_code: (a: Pointer, b: Pointer) => number
  readonly wasmtime_trap_new: (a: Pointer, b: bigint) => bigint
  readonly wasm_trap_delete: (a: Pointer) => void
  readonly wasm_byte_vec_delete: (a: Pointer) => void
}

type Word = 'void' | 'pointer' | 'bool' | 'u8' | 'u64' | 'i64'

/** The same in the words of node:ffi: result, then arguments. */
const definitions: Readonly<Record<keyof WasmtimeFunctions, readonly [Word, ...Word[]]>> = {
  wasm_config_new: ['pointer'],
  wasmtime_config_consume_fuel_set: ['void', 'pointer', 'bool'],
  wasmtime_config_parallel_compilation_set: ['void', 'pointer', 'bool'],
  wasmtime_config_wasm_threads_set: ['void', 'pointer', 'bool'],
  wasmtime_config_wasm_memory64_set: ['void', 'pointer', 'bool'],
  wasmtime_config_wasm_multi_memory_set: ['void', 'pointer', 'bool'],
  wasmtime_config_memory_init_cow_set: ['void', 'pointer', 'bool'],
  wasmtime_config_max_wasm_stack_set: ['void', 'pointer', 'u64'],
  wasm_engine_new_with_config: ['pointer', 'pointer'],
  wasmtime_module_new: ['pointer', 'pointer', 'pointer', 'u64', 'pointer'],
  wasmtime_module_validate: ['pointer', 'pointer', 'pointer', 'u64'],
  wasmtime_module_delete: ['void', 'pointer'],
  wasmtime_store_new: ['pointer', 'pointer', 'pointer', 'pointer'],
  wasmtime_store_delete: ['void', 'pointer'],
  wasmtime_store_context: ['pointer', 'pointer'],
  wasmtime_store_limiter: ['void', 'pointer', 'i64', 'i64', 'i64', 'i64', 'i64'],
  wasmtime_context_set_fuel: ['pointer', 'pointer', 'u64'],
  wasmtime_context_get_fuel: ['pointer', 'pointer', 'pointer'],
  wasmtime_linker_new: ['pointer', 'pointer'],
  wasmtime_linker_delete: ['void', 'pointer'],
  wasmtime_linker_define_func_unchecked: [
    'pointer',
    'pointer',
    'pointer',
    'u64',
    'pointer',
    'u64',
    'pointer',
    'pointer',
    'pointer',
    'pointer'
  ],
  wasmtime_linker_instantiate: ['pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer'],
  wasmtime_instance_export_get: ['bool', 'pointer', 'pointer', 'pointer', 'u64', 'pointer'],
  wasmtime_func_call: ['pointer', 'pointer', 'pointer', 'pointer', 'u64', 'pointer', 'u64', 'pointer'],
  wasmtime_memory_data: ['pointer', 'pointer', 'pointer'],
  wasmtime_memory_data_size: ['u64', 'pointer', 'pointer'],
  wasm_valtype_new: ['pointer', 'u8'],
  wasm_valtype_vec_new: ['void', 'pointer', 'u64', 'pointer'],
  wasm_functype_new: ['pointer', 'pointer', 'pointer'],
  wasm_functype_delete: ['void', 'pointer'],
  wasmtime_error_message: ['void', 'pointer', 'pointer'],
  wasmtime_error_delete: ['void', 'pointer'],
  wasm_trap_message: ['void', 'pointer', 'pointer'],
  wasmtime_trap_code: ['bool', 'pointer', 'pointer'],
  wasmtime_trap_new: ['pointer', 'pointer', 'u64'],
  wasm_trap_delete: ['void', 'pointer'],
  wasm_byte_vec_delete: ['void', 'pointer']
}

export interface WasmtimeLibrary {
  readonly ffi: typeof ffi
  readonly library: ffi.DynamicLibrary
  readonly functions: WasmtimeFunctions
}

/** ERR_SANDBOX_ENGINE when the file is no library, or lacks a function. */
export function loadWasmtimeLibrary(path: string): WasmtimeLibrary {
  const module = process.getBuiltinModule('node:ffi')
  if (module === undefined) throw new SandboxError('ERR_SANDBOX_ENGINE', 'this Node.js has no node:ffi')
  try {
    const signatures = Object.entries(definitions).map(([name, [result, ...parameters]]) => [
      name,
      { return: result, arguments: parameters }
    ])
    const { lib, functions } = module.dlopen(path, Object.fromEntries(signatures) as ffi.FunctionDefinitions)
    return { ffi: module, library: lib, functions: functions as unknown as WasmtimeFunctions }
  } catch (cause) {
    throw new SandboxError('ERR_SANDBOX_ENGINE', `cannot load "${path}": ${String(cause)}`, { cause })
  }
}

/** Reads and frees the message of an error or trap. */
export function takeMessage(
  { ffi: native, functions }: WasmtimeLibrary,
  read: (source: bigint, target: BigUint64Array) => void,
  source: bigint
): string {
  const vector = new BigUint64Array(2)
  read(source, vector)
  const [length = 0n, start = 0n] = vector
  const text = length === 0n ? '' : native.toBuffer(start, Number(length)).toString().replaceAll('\0', '')
  functions.wasm_byte_vec_delete(vector)
  return text
}
