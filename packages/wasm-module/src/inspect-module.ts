/** What a module is, in figures: for people (`app inspect`) and for the policy check. */
import { openBody } from './function-body.ts'
import { planMetering } from './metering.ts'
import {
  type MemoryFacts,
  type ModuleExport,
  type ModuleImport,
  type ModuleStructure,
  type TableFacts,
  readStructure,
  sectionId
} from './module-structure.ts'

export interface ModuleFacts {
  readonly bytes: number
  readonly codeBytes: number
  readonly dataBytes: number
  readonly imports: readonly ModuleImport[]
  readonly exports: readonly ModuleExport[]
  readonly memories: readonly MemoryFacts[]
  readonly tables: readonly TableFacts[]
  /** Functions with a body; imported ones are not among them. */
  readonly functions: number
  readonly globals: number
  /** Index of the function that runs at instantiation; absent when there is none. */
  readonly startFunction: number | undefined
  readonly largestFunctionBytes: number
  /** Most locals that one function declares. */
  readonly locals: number
  /** Names of custom sections, in their order. */
  readonly customSections: readonly string[]
}

/** Reads the whole module, every instruction included. Throws ModuleError. */
export function inspectModule(bytes: Uint8Array): ModuleFacts {
  return factsOf(readStructure(bytes))
}

/** The same of a structure that was read; walks over all bodies. */
export function factsOf(module: ModuleStructure): ModuleFacts {
  const { bodies, sections } = module
  const imported = module.spaces.functions - bodies.length
  let locals = 0
  let largestFunctionBytes = 0
  for (const [index, range] of bodies.entries()) {
    const parameters = module.functionType(imported + index).parameters.length
    const body = openBody(module.bytes, range, module.spaces, parameters)
    planMetering(body)
    locals = Math.max(locals, body.locals)
    largestFunctionBytes = Math.max(largestFunctionBytes, range.end - range.start)
  }
  const sectionBytes = (id: number): number => {
    const section = sections.find((candidate) => candidate.id === id)
    return section === undefined ? 0 : section.end - section.start
  }
  return {
    bytes: module.bytes.length,
    codeBytes: sectionBytes(sectionId.code),
    dataBytes: sectionBytes(sectionId.data),
    imports: module.imports,
    exports: module.exports,
    memories: module.memories,
    tables: module.tables,
    functions: bodies.length,
    globals: module.globals,
    startFunction: module.start,
    largestFunctionBytes,
    locals,
    customSections: sections.flatMap(({ name }) => (name === undefined ? [] : [name]))
  }
}
