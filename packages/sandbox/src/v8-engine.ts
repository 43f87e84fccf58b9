/**
 * The engine that every machine has: V8 itself. Fuel is counted by the module (wasm-module instruments it): an exported
 * global goes below zero and the module traps. Memory and tables are bounded by the module's own maxima, which
 * instrumentation clamps, and by V8's flags for the whole process.
 */
import { fuelExport } from '@blocktree/wasm-module'
import {
  type EngineInstance,
  GuestFault,
  type GuestImport,
  type InstantiateOptions,
  type ValueType,
  type WasmEngine
} from './engine.ts'
import {
  type WasmFunction,
  type WasmGlobal,
  type WasmImports,
  type WasmInstance,
  type WasmModule,
  webAssembly
} from './web-assembly.ts'

export function createV8Engine(): WasmEngine {
  return {
    name: 'v8',
    version: process.versions.v8,
    check: (module) => void compileModule(module),
    instantiate({ module, imports, fuel }: InstantiateOptions) {
      return createInstance(instantiateModule(compileModule(module), linkImports(imports)), fuel)
    }
  }
}

/** GuestFault `module` when it does not compile or counts no fuel. */
export function compileModule(module: Uint8Array): WasmModule {
  let compiled: WasmModule
  try {
    compiled = new webAssembly.Module(module)
  } catch (error) {
    throw new GuestFault('module', messageOf(error))
  }
  const countsFuel = webAssembly.Module.exports(compiled).some(
    ({ name, kind }) => name === fuelExport && kind === 'global'
  )
  if (!countsFuel) throw new GuestFault('module', `it has no global "${fuelExport}": not instrumented`)
  return compiled
}

export function instantiateModule(compiled: WasmModule, imports: WasmImports): WasmInstance {
  try {
    return new webAssembly.Instance(compiled, imports)
  } catch (error) {
    // A module that nobody offers is a TypeError, a function of one that somebody does a LinkError.
    if (error instanceof webAssembly.LinkError || error instanceof TypeError)
      throw new GuestFault('module', messageOf(error))
    if (error instanceof GuestFault) throw error
    throw new GuestFault('trap', `while it was instantiated: ${messageOf(error)}`)
  }
}

function createInstance({ exports }: WasmInstance, fuel: number): EngineInstance {
  const counter = exports[fuelExport]
  if (!isFuelGlobal(counter)) throw new GuestFault('module', `"${fuelExport}" is no global of type i64`)
  const memory = exports['memory']
  let view = new Uint8Array(0)
  const setFuel = (amount: number): void => {
    counter.value = BigInt(amount)
  }
  setFuel(fuel)
  return {
    memory() {
      if (!(memory instanceof webAssembly.Memory)) throw new GuestFault('module', 'it exports no memory')
      if (view.buffer !== memory.buffer) view = new Uint8Array(memory.buffer)
      return view
    },
    hasFunction: (name) => typeof exports[name] === 'function',
    call(name, parameters, result) {
      const target = exportedFunction(exports, name, parameters.length)
      return checkResult(name, callExport(target, parameters, counter), result)
    },
    setFuel,
    fuelLeft: () => (counter.value > 0n ? Number(counter.value) : 0),
    dispose: () => undefined
  }
}

export function isFuelGlobal(value: unknown): value is WasmGlobal {
  return value instanceof webAssembly.Global && typeof value.value === 'bigint'
}

export function exportedFunction(
  exports: WasmInstance['exports'],
  name: string,
  parameters: number
): WasmFunction {
  const target = exports[name]
  if (typeof target !== 'function') throw new GuestFault('module', `it exports no function "${name}"`)
  if (target.length !== parameters) {
    throw new GuestFault('module', `"${name}" takes ${target.length} values instead of ${parameters}`)
  }
  return target as WasmFunction
}

function callExport(target: WasmFunction, parameters: readonly number[], counter: WasmGlobal): unknown {
  try {
    return target(...parameters)
  } catch (error) {
    throw faultOf(error, counter)
  }
}

export function checkResult(name: string, value: unknown, expected: ValueType | undefined): number | bigint {
  if (expected === 'i32' && typeof value === 'number') return value
  if (expected === 'i64' && typeof value === 'bigint') return value
  if (expected === undefined && value === undefined) return 0
  throw new GuestFault('module', `"${name}" returns ${typeof value} instead of ${expected ?? 'nothing'}`)
}

function linkImports(imports: readonly GuestImport[]): WasmImports {
  const linked: WasmImports = {}
  for (const { module, name, run } of imports) {
    linked[module] ??= {}
    linked[module][name] = run
  }
  return linked
}

export function faultOf(error: unknown, counter: WasmGlobal): GuestFault {
  if (error instanceof GuestFault) return error
  if (counter.value < 0n) return new GuestFault('fuel', 'it used up its fuel')
  if (error instanceof RangeError) return new GuestFault('trap', 'call stack exhausted')
  // A signature with i64 parameters refuses the numbers it is called with.
  if (error instanceof TypeError) return new GuestFault('module', messageOf(error))
  return new GuestFault('trap', messageOf(error))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
