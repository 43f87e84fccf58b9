/**
 * Rewrites a module so that it counts its own work and keeps its bounds (doc/spec/16-wasm-module.md, sections 4 to 6).
 * The rewriter does not check types: an engine has to validate the result, and a module that was not valid before is
 * not valid afterwards either, because every index is checked against what the module itself has.
 */
import { BinaryWriter } from './binary-writer.ts'
import { type FuelPlaces, writeStretches } from './fuel-code.ts'
import { writeRewrittenBody } from './body-rewriter.ts'
import { refuseFeature } from './feature.ts'
import { type FunctionBody, openBody } from './function-body.ts'
import {
  memoryPagesDefault,
  nameSectionBytesMax,
  rewrittenBytesMax,
  startFuelDefault,
  tableEntriesDefault
} from './limits.ts'
import {
  type ChargeRules,
  type FunctionSummary,
  chargeRulesDefault,
  chargesOf,
  summarise
} from './charge-plan.ts'
import { planMetering } from './metering.ts'
import { ModuleError } from './module-error.ts'
import {
  type ModuleStructure,
  type Section,
  readStructure,
  sectionId,
  sectionOrder
} from './module-structure.ts'
import { opcode } from './opcode.ts'
import { BinaryReader } from './binary-reader.ts'
import type { ReferenceType } from './value-type.ts'

/** Name under which the counter is exported: a mutable i64, units of fuel left. */
export const fuelExport = '__bt_fuel'

/** Exports whose names begin so belong to the host. */
export const reservedPrefix = '__bt_'

export interface RewriteLimits {
  /** Pages of 64 KiB a memory may grow to. */
  readonly memoryPages: number
  /** Entries a table may grow to. */
  readonly tableEntries: number
  /** Units in the counter until the host sets it: what a start function may use. */
  readonly startFuel: number
}

export const rewriteLimitsDefault: RewriteLimits = {
  memoryPages: memoryPagesDefault,
  tableEntries: tableEntriesDefault,
  startFuel: startFuelDefault
}

/**
 * The module rewritten; without `rules` it counts no fuel and is only clamped. Throws ModuleError; the input is not
 * changed.
 */
export function rewriteModule(
  bytes: Uint8Array,
  limits: RewriteLimits,
  rules: ChargeRules | undefined
): Uint8Array {
  return new Rewriter(readStructure(bytes), limits, rules).rewrite()
}

class Rewriter {
  readonly #module: ModuleStructure
  readonly #limits: RewriteLimits
  readonly #rules: ChargeRules | undefined
  /** Of functions with a body, in their order. */
  readonly #summaries: FunctionSummary[] = []
  /** Helpers that are appended, in order. */
  readonly #helpers: (typeof opcode.memoryFill | typeof opcode.memoryCopy)[] = []

  constructor(module: ModuleStructure, limits: RewriteLimits, rules: ChargeRules | undefined) {
    this.#module = module
    this.#limits = limits
    this.#rules = rules
    refuseReservedNames(module)
    refuseMemories(module)
    refuseLargeMinima(module, limits)
    this.#summarise(rules ?? chargeRulesDefault)
  }

  /** Walks over all bodies once, so that each function is known to those that call it. */
  #summarise(rules: ChargeRules): void {
    const referenced = new Set(this.#module.referenced)
    const used = new Set<number>()
    for (let index = 0; index < this.#module.bodies.length; index++) {
      const plan = planMetering(this.#open(index))
      for (const reference of plan.references) referenced.add(reference)
      for (const { code } of plan.bulk) used.add(code)
      this.#summaries.push(summarise(plan, rules))
    }
    for (const reference of referenced) {
      const index = reference - this.#imported
      const summary = this.#summaries[index]
      if (summary !== undefined) this.#summaries[index] = { ...summary, entryCost: undefined }
    }
    if (this.#rules === undefined) return
    for (const helper of [opcode.memoryFill, opcode.memoryCopy])
      if (used.has(helper)) this.#helpers.push(helper)
  }

  /** Functions without a body; they come first in the index space. */
  get #imported(): number {
    return this.#module.spaces.functions - this.#module.bodies.length
  }

  #parameters(index: number): number {
    return this.#module.functionType(this.#imported + index).parameters.length
  }

  #open(index: number): FunctionBody {
    const range = this.#module.bodies[index]
    if (range === undefined) throw new Error(`there is no body ${index}`)
    return openBody(this.#module.bytes, range, this.#module.spaces, this.#parameters(index))
  }

  rewrite(): Uint8Array {
    const writer = new BinaryWriter(Math.ceil(this.#module.bytes.length * 1.3) + 256)
    writer.copy(this.#module.bytes, 0, 8)
    const content = new BinaryWriter()
    for (const id of sectionOrder) {
      content.clear()
      this.#writeSection(content, id)
      if (content.length === 0) continue
      writer.byte(id)
      writer.u32(content.length)
      writer.raw(content.written)
    }
    this.#writeNames(writer)
    return writer.written.slice()
  }

  #writeSection(writer: BinaryWriter, id: number): void {
    switch (id) {
      case sectionId.type:
        return this.#writeTypes(writer)
      case sectionId.function:
        return this.#writeFunctions(writer)
      case sectionId.table:
        return this.#writeTables(writer)
      case sectionId.memory:
        return this.#writeMemories(writer)
      case sectionId.global:
        return this.#writeGlobals(writer)
      case sectionId.export:
        return this.#writeExports(writer)
      case sectionId.code:
        return this.#writeCode(writer)
      default:
        return this.#copySection(writer, id)
    }
  }

  #section(id: number): Section | undefined {
    return this.#module.sections.find((section) => section.id === id)
  }

  #copySection(writer: BinaryWriter, id: number): void {
    const section = this.#section(id)
    if (section !== undefined) writer.copy(this.#module.bytes, section.start, section.end)
  }

  /** The vector of a section with `added` more members; what they are is for the caller to write. */
  #extend(writer: BinaryWriter, id: number, added: number): void {
    const section = this.#section(id)
    if (section === undefined) {
      if (added > 0) writer.u32(added)
      return
    }
    const reader = new BinaryReader(this.#module.bytes, section.start, section.end)
    writer.u32(reader.u32() + added)
    writer.copy(this.#module.bytes, reader.offset, section.end)
  }

  #writeTypes(writer: BinaryWriter): void {
    this.#extend(writer, sectionId.type, this.#helpers.length > 0 ? 1 : 0)
    if (this.#helpers.length > 0) writer.raw(Uint8Array.of(0x60, 3, 0x7f, 0x7f, 0x7f, 0)) // three i32, no result
  }

  #writeFunctions(writer: BinaryWriter): void {
    this.#extend(writer, sectionId.function, this.#helpers.length)
    for (const _ of this.#helpers) writer.u32(this.#module.types.length)
  }

  #writeTables(writer: BinaryWriter): void {
    const own = this.#module.tables.filter(({ isImported }) => !isImported)
    if (own.length === 0) return
    writer.u32(own.length)
    for (const { type, min, max } of own) {
      writer.byte(typeCode(type))
      writer.byte(1)
      writer.u32(min)
      writer.u32(Math.min(max ?? this.#limits.tableEntries, this.#limits.tableEntries))
    }
  }

  #writeMemories(writer: BinaryWriter): void {
    const own = this.#module.memories.filter(({ isImported }) => !isImported)
    if (own.length === 0) return
    writer.u32(own.length)
    for (const { min, max } of own) {
      writer.byte(1)
      writer.u32(min)
      writer.u32(Math.min(max ?? this.#limits.memoryPages, this.#limits.memoryPages))
    }
  }

  #writeGlobals(writer: BinaryWriter): void {
    this.#extend(writer, sectionId.global, this.#rules === undefined ? 0 : 1)
    if (this.#rules === undefined) return
    writer.byte(0x7e) // i64
    writer.byte(1) // mutable
    writer.i64Const(this.#limits.startFuel)
    writer.byte(opcode.end)
  }

  #writeExports(writer: BinaryWriter): void {
    this.#extend(writer, sectionId.export, this.#rules === undefined ? 0 : 1)
    if (this.#rules === undefined) return
    writer.name(fuelExport)
    writer.byte(3) // a global
    writer.u32(this.#module.globals)
  }

  #writeCode(writer: BinaryWriter): void {
    if (this.#rules === undefined) return this.#copySection(writer, sectionId.code)
    if (this.#section(sectionId.code) === undefined) return
    writer.u32(this.#summaries.length + this.#helpers.length)
    const code = new BinaryWriter(4096)
    for (const [index, summary] of this.#summaries.entries()) {
      code.clear()
      this.#writeBody(code, index, summary, this.#rules)
      writer.u32(code.length)
      writer.raw(code.written)
      if (writer.length > rewrittenBytesMax) refuseGrowth()
    }
    for (const helper of this.#helpers) {
      code.clear()
      writeStretches(code, this.#module.globals, helper)
      writer.u32(code.length)
      writer.raw(code.written)
    }
  }

  #writeBody(writer: BinaryWriter, index: number, summary: FunctionSummary, rules: ChargeRules): void {
    const body = this.#open(index)
    const plan = planMetering(body)
    const charges = chargesOf(plan, summary, rules, (callee) => this.#summaries[callee - this.#imported])
    const scratch = this.#parameters(index) + body.locals
    const left = scratch + (plan.bulk.length > 0 ? 1 : 0)
    const places = this.#places(scratch, plan.hasLoop ? left : undefined)
    writeRewrittenBody(writer, { bytes: this.#module.bytes, body, plan, charges, places })
  }

  #places(scratch: number, left: number | undefined): FuelPlaces {
    const { globals, memories, tables, spaces } = this.#module
    return {
      fuel: globals,
      scratch,
      left,
      fill: spaces.functions,
      copy: spaces.functions + this.#helpers.indexOf(opcode.memoryCopy),
      memoryMax: largest(memories[0], this.#limits.memoryPages, 65_536),
      tableMax: (index) => largest(tables[index], this.#limits.tableEntries, 0xffff_ffff)
    }
  }

  /** Function names serve stack traces; all else that custom sections say is about the module before. */
  #writeNames(writer: BinaryWriter): void {
    const section = this.#module.sections.find(({ name }) => name === 'name')
    if (section === undefined || section.end - section.start > nameSectionBytesMax) return
    const content = new BinaryWriter(section.end - section.start + 8)
    content.name('name')
    content.copy(this.#module.bytes, section.start, section.end)
    writer.byte(sectionId.custom)
    writer.u32(content.length)
    writer.raw(content.written)
  }
}

function largest(
  facts: { readonly max: number | undefined; readonly isImported: boolean } | undefined,
  bound: number,
  highest: number
): number {
  if (facts === undefined) return 0
  return facts.isImported ? (facts.max ?? highest) : Math.min(facts.max ?? bound, bound)
}

function typeCode(type: ReferenceType): number {
  return type === 'funcref' ? 0x70 : 0x6f
}

function refuseGrowth(): never {
  throw new ModuleError(
    'ERR_MODULE_LIMIT',
    `with its charges the module would be longer than ${rewrittenBytesMax} bytes`
  )
}

function refuseReservedNames({ exports }: ModuleStructure): void {
  const taken = exports.find(({ name }) => name.startsWith(reservedPrefix))
  if (taken === undefined) return
  throw new ModuleError(
    'ERR_MODULE_RESERVED_NAME',
    `the export "${taken.name}" has a name that the host keeps for itself: names beginning with ${reservedPrefix}`
  )
}

/** Rewriting writes one memory that is not shared, so another kind would silently become that. */
function refuseMemories({ memories }: ModuleStructure): void {
  if (memories.some(({ isShared }) => isShared)) refuseFeature('threads')
  if (memories.length > 1) refuseFeature('multi-memory')
}

function refuseLargeMinima({ memories, tables }: ModuleStructure, limits: RewriteLimits): void {
  for (const { min } of memories) {
    if (min > limits.memoryPages) {
      throw new ModuleError(
        'ERR_MODULE_LIMIT',
        `a memory of at least ${min} pages is larger than ${limits.memoryPages}`
      )
    }
  }
  for (const { min } of tables) {
    if (min > limits.tableEntries) {
      throw new ModuleError(
        'ERR_MODULE_LIMIT',
        `a table of at least ${min} entries is larger than ${limits.tableEntries}`
      )
    }
  }
}
