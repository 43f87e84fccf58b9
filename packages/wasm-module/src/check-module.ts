/**
 * The policy: which modules may be installed (doc/spec/16-wasm-module.md, section 2). Every refusal says what was found,
 * what is allowed and what to do, since a person reads it who may have written the app.
 */
import {
  blocktreeImports,
  blocktreeModule,
  commandExports,
  guestExports,
  wasiImports,
  wasiModule
} from './guest-abi.ts'
import { type ModuleFacts, inspectModule } from './inspect-module.ts'
import { memoryPagesDefault, moduleBytesDefault, tableEntriesDefault, tablesMax } from './limits.ts'
import { ModuleError, type ModuleErrorCode } from './module-error.ts'
import type { ModuleExport, ModuleImport } from './module-structure.ts'
import { reservedPrefix } from './rewrite-module.ts'
import { type FunctionType, equalFunctionTypes, formatFunctionType } from './value-type.ts'

export interface ModulePolicy {
  /** Exports that are asked for: `guest` is ABI v1, `command` a WASI program with `_start`. */
  readonly abi: 'guest' | 'command'
  readonly moduleBytes: number
  /** Pages of 64 KiB that a memory may ask for at the beginning. */
  readonly memoryPages: number
  /** Entries of all tables together, at the beginning. */
  readonly tableEntries: number
}

export const modulePolicyDefault: ModulePolicy = {
  abi: 'guest',
  moduleBytes: moduleBytesDefault,
  memoryPages: memoryPagesDefault,
  tableEntries: tableEntriesDefault
}

export interface ModuleRefusal {
  readonly code: ModuleErrorCode
  readonly found: string
  /** What is allowed. */
  readonly limit: string
  readonly remedy: string
}

/**
 * All reasons against a module, none when it may be run. Never throws for bytes: a module that cannot be read has that
 * one reason. Types inside of functions are not checked; the engine does that.
 */
export function checkModule(
  bytes: Uint8Array,
  policy: ModulePolicy = modulePolicyDefault
): readonly ModuleRefusal[] {
  if (bytes.length > policy.moduleBytes) return [refuseSize(bytes.length, policy.moduleBytes)]
  let facts: ModuleFacts
  try {
    facts = inspectModule(bytes)
  } catch (error) {
    if (error instanceof ModuleError) return [refuseUnreadable(error)]
    throw error
  }
  return [
    ...facts.imports.flatMap(checkImport),
    ...checkMemory(facts, policy),
    ...checkTables(facts, policy),
    ...checkExports(facts, policy),
    ...facts.exports.flatMap(checkReserved)
  ]
}

function refuseSize(found: number, limit: number): ModuleRefusal {
  return {
    code: 'ERR_MODULE_LIMIT',
    found: `a module of ${found} bytes`,
    limit: `at most ${limit} bytes`,
    remedy: 'build it optimised for size and strip debugging information, or ask for a larger module'
  }
}

function refuseUnreadable(error: ModuleError): ModuleRefusal {
  const isFeature = error.code === 'ERR_MODULE_FEATURE'
  return {
    code: error.code,
    found: error.message,
    limit: isFeature
      ? 'WebAssembly 2.0 with one memory of 32-bit addresses'
      : 'a whole core WebAssembly module within the limits',
    remedy: isFeature ? 'switch the proposal off in the compiler' : 'build the module again'
  }
}

const hostModules: ReadonlyMap<string, ReadonlyMap<string, FunctionType>> = new Map([
  [blocktreeModule, blocktreeImports],
  [wasiModule, wasiImports]
])

function checkImport({ module, name, kind, type }: ModuleImport): ModuleRefusal[] {
  const known = hostModules.get(module)?.get(name)
  if (known === undefined || type === undefined) {
    const remedy =
      module === 'env' && name === 'abort'
        ? 'compile AssemblyScript with --use abort='
        : 'use the functions of the host, or link a library that does not need this'
    return [
      {
        code: 'ERR_MODULE_IMPORT_UNKNOWN',
        found: `an import of the ${kind} "${module}" "${name}"`,
        limit: `the functions call and take of "${blocktreeModule}" and those of "${wasiModule}"`,
        remedy
      }
    ]
  }
  if (equalFunctionTypes(known, type)) return []
  return [
    {
      code: 'ERR_MODULE_IMPORT_TYPE',
      found: `"${module}" "${name}" imported as ${formatFunctionType(type)}`,
      limit: formatFunctionType(known),
      remedy: 'declare the function with this signature'
    }
  ]
}

function checkMemory({ memories }: ModuleFacts, policy: ModulePolicy): ModuleRefusal[] {
  const refusals: ModuleRefusal[] = []
  if (memories.length > 1) {
    refusals.push({
      code: 'ERR_MODULE_FEATURE',
      found: `${memories.length} memories`,
      limit: 'one memory',
      remedy: 'build without the multi-memory proposal'
    })
  }
  if (memories.some(({ isShared }) => isShared)) {
    refusals.push({
      code: 'ERR_MODULE_FEATURE',
      found: 'a shared memory',
      limit: 'a memory that is not shared',
      remedy: 'build without threads'
    })
  }
  const min = memories[0]?.min ?? 0
  if (min > policy.memoryPages) {
    refusals.push({
      code: 'ERR_MODULE_LIMIT',
      found: `a memory of ${min} pages of 64 KiB`,
      limit: `at most ${policy.memoryPages} pages`,
      remedy: 'let the memory begin smaller, or ask for more in the manifest'
    })
  }
  return refusals
}

function checkTables({ tables }: ModuleFacts, policy: ModulePolicy): ModuleRefusal[] {
  const refusals: ModuleRefusal[] = []
  if (tables.length > tablesMax) {
    refusals.push({
      code: 'ERR_MODULE_LIMIT',
      found: `${tables.length} tables`,
      limit: `at most ${tablesMax}`,
      remedy: 'put the functions into fewer tables'
    })
  }
  const entries = tables.reduce((sum, { min }) => sum + min, 0)
  if (entries > policy.tableEntries) {
    refusals.push({
      code: 'ERR_MODULE_LIMIT',
      found: `tables of ${entries} entries`,
      limit: `at most ${policy.tableEntries} entries in all`,
      remedy: 'call fewer functions indirectly, or ask for more in the manifest'
    })
  }
  return refusals
}

function checkExports({ exports }: ModuleFacts, { abi }: ModulePolicy): ModuleRefusal[] {
  const asked = abi === 'guest' ? guestExports : commandExports
  const refusals: ModuleRefusal[] = []
  const find = (name: string): ModuleExport | undefined =>
    exports.find((candidate) => candidate.name === name)
  const memory = find('memory')
  if (memory === undefined) refusals.push(refuseMissing('memory', 'the memory'))
  else if (memory.kind !== 'memory') refusals.push(refuseExportType(memory, 'a memory'))
  for (const [name, { type, isRequired }] of asked) {
    const found = find(name)
    const wanted = formatFunctionType(type)
    if (found === undefined) {
      if (isRequired) refusals.push(refuseMissing(name, `a function ${wanted}`))
    } else if (found.type === undefined || !equalFunctionTypes(found.type, type)) {
      refusals.push(refuseExportType(found, `a function ${wanted}`))
    }
  }
  return refusals
}

function refuseMissing(name: string, wanted: string): ModuleRefusal {
  return {
    code: 'ERR_MODULE_EXPORT_MISSING',
    found: `no export "${name}"`,
    limit: `${wanted} under this name`,
    remedy: 'export it; the templates of `app new` do'
  }
}

function refuseExportType({ name, kind, type }: ModuleExport, wanted: string): ModuleRefusal {
  return {
    code: 'ERR_MODULE_EXPORT_TYPE',
    found: `an export "${name}" that is a ${kind}${type === undefined ? '' : ` ${formatFunctionType(type)}`}`,
    limit: wanted,
    remedy: 'declare it with this signature'
  }
}

function checkReserved({ name }: ModuleExport): ModuleRefusal[] {
  if (!name.startsWith(reservedPrefix)) return []
  return [
    {
      code: 'ERR_MODULE_RESERVED_NAME',
      found: `an export "${name}"`,
      limit: `no names that begin with ${reservedPrefix}`,
      remedy: 'rename it'
    }
  ]
}
