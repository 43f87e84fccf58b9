/** Modules from text with wabt: those of a script, its constants, and wrappers that pass values on bit by bit. */
import wabtInit from 'wabt'
import type { FunctionType, ValueType } from '@blocktree/wasm-module'
import { webAssembly } from './web-assembly.ts'

const wabt = await wabtInit()

const features = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  multi_value: true,
  bulk_memory: true,
  reference_types: true,
  extended_const: true,
  exceptions: true,
  threads: true,
  function_references: true,
  tail_call: true,
  annotations: true,
  gc: true,
  memory64: true,
  multi_memory: true,
  relaxed_simd: true
}

/** Undefined when wabt cannot read the text. */
export function assemble(text: string): Uint8Array | undefined {
  let parsed: ReturnType<typeof wabt.parseWat> | undefined
  try {
    parsed = wabt.parseWat('test.wat', text, features)
    return Uint8Array.from(parsed.toBinary({ write_debug_names: false }).buffer)
  } catch {
    return undefined
  } finally {
    parsed?.destroy()
  }
}

/** What stands for a value between JavaScript and a wrapper: integers of its bits, or the reference. */
export type Lowered = number | bigint | string | null

/** Integers and references that one value is passed as. */
export function loweredTypes(type: ValueType): readonly string[] {
  switch (type) {
    case 'f32':
    case 'i32':
    case 'funcref':
      return ['i32']
    case 'f64':
    case 'i64':
      return ['i64']
    case 'v128':
      return ['i64', 'i64']
    case 'externref':
      return ['externref']
    default:
      return type satisfies never
  }
}

function lower(type: ValueType, read: string): string {
  switch (type) {
    case 'f32':
      return `(i32.reinterpret_f32 ${read})`
    case 'f64':
      return `(i64.reinterpret_f64 ${read})`
    case 'v128':
      return `(i64x2.extract_lane 0 ${read}) (i64x2.extract_lane 1 ${read})`
    case 'funcref':
      return `(ref.is_null ${read})`
    default:
      return read
  }
}

function lift(type: ValueType, first: number): string {
  const read = `(local.get ${first})`
  switch (type) {
    case 'f32':
      return `(f32.reinterpret_i32 ${read})`
    case 'f64':
      return `(f64.reinterpret_i64 ${read})`
    case 'v128':
      return `(i64x2.replace_lane 1 (i64x2.splat ${read}) (local.get ${first + 1}))`
    case 'funcref':
      return '(ref.null func)'
    default:
      return read
  }
}

const wrappers = new Map<string, object>()

/** Calls `target`, a function of an instance, with lowered values; no bit of a number is lost on the way. */
export function callBitwise(target: unknown, type: FunctionType, values: readonly Lowered[]): Lowered[] {
  const key = JSON.stringify(type)
  let module = wrappers.get(key)
  if (module === undefined) {
    const binary = assemble(wrapperText(type))
    if (binary === undefined) throw new Error(`no wrapper for ${key}`)
    module = new webAssembly.Module(binary)
    wrappers.set(key, module)
  }
  const { exports } = new webAssembly.Instance(module, { m: { f: target } })
  const run = exports['run'] as (...given: readonly Lowered[]) => Lowered | Lowered[] | undefined
  const result = run(...values)
  if (result === undefined) return []
  return Array.isArray(result) ? result : [result]
}

function wrapperText({ parameters, results }: FunctionType): string {
  const given = parameters.flatMap(loweredTypes)
  const returned = results.flatMap(loweredTypes)
  let next = 0
  const lifted = parameters.map((type) => {
    const text = lift(type, next)
    next += loweredTypes(type).length
    return text
  })
  const kept = results.map((_, index) => `(local.set ${given.length + results.length - 1 - index})`)
  const lowered = results.map((type, index) => lower(type, `(local.get ${given.length + index})`))
  return `(module
    (import "m" "f" (func $f (param ${parameters.join(' ')}) (result ${results.join(' ')})))
    (func (export "run") (param ${given.join(' ')}) (result ${returned.join(' ')}) (local ${results.join(' ')})
      ${lifted.join(' ')} (call $f) ${kept.join(' ')} ${lowered.join(' ')}))`
}

/** Bits of constant expressions such as `(f32.const nan:0x200000)`, all of them read at once. */
export function evaluateConstants(
  constants: readonly { readonly source: string; readonly type: ValueType }[]
): readonly (readonly Lowered[])[] {
  const functions = constants.map(
    ({ source, type }, index) =>
      `(func (export "${index}") (result ${loweredTypes(type).join(' ')}) ${lower(type, source)})`
  )
  const binary = assemble(`(module ${functions.join('\n')})`)
  if (binary === undefined) throw new Error('the constants of the script cannot be read')
  const { exports } = new webAssembly.Instance(new webAssembly.Module(binary))
  return constants.map((_, index) => {
    const value = (exports[String(index)] as () => Lowered | Lowered[])()
    return Array.isArray(value) ? value : [value]
  })
}
