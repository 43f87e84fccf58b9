/**
 * Where a function is charged, and how much (doc/spec/16-wasm-module.md, section 5).
 *
 * A span is a set of instructions that run exactly as often as its first place is passed, unless a trap ends the
 * call: straight code, going on behind blocks, conditions and loops that nothing leaves sidewards. So there are fewer
 * spans than basic blocks, and what is taken at the first place is exact. Small spans are then merged.
 */
import type { FunctionBody } from './function-body.ts'
import { localsPerUnit, nestingMax, tableUnitsPerEntry } from './limits.ts'
import { ModuleError } from './module-error.ts'
import { opcode } from './opcode.ts'

export interface Span {
  /** Its charge stands before the byte at this offset of the module. */
  readonly offset: number
  /** The span that runs whenever this one does; absent for the beginning of a function. */
  readonly outer: Span | undefined
  /** The body of a loop: the counter is looked at in each round. */
  readonly isLoop: boolean
  /** Units of its instructions, later also of what was merged into it and of the functions it calls. */
  cost: number
  /** Functions that it calls directly; undefined when there are none. */
  callees: number[] | undefined
  callsIndirectly: boolean
}

/** An instruction that is charged by what its operands say. */
export interface BulkInstruction {
  readonly code: number
  readonly offset: number
  readonly end: number
  readonly immediate: number
}

export interface MeteringPlan {
  /** In the order of their offsets; the first is the beginning of the function. */
  readonly spans: readonly Span[]
  readonly bulk: readonly BulkInstruction[]
  /** A loop that is reached: the function keeps the counter in a local. */
  readonly hasLoop: boolean
  /** Offsets where others need the counter or the function ends: the local has to be written to it. */
  readonly stores: readonly number[]
  /** Offsets where others may have changed the counter: the local has to be read again. */
  readonly loads: readonly number[]
  /** Functions that the body makes references to. */
  readonly references: readonly number[]
}

interface Frame {
  readonly kind: number
  /** The span that was open when the block began. */
  readonly outer: Span | undefined
  /** How many blocks outside this one a branch in it reaches: above 0 it may be left sidewards. */
  reach: number
}

const freeCodes: ReadonlySet<number> = new Set([
  0x00,
  0x01,
  0x02,
  0x03,
  0x05,
  0x0b,
  0x0f,
  0x1a // unreachable, nop, block, loop, else, end, return, drop
])

const bulkCodes: ReadonlySet<number> = new Set([
  opcode.memoryGrow,
  opcode.memoryInit,
  opcode.memoryCopy,
  opcode.memoryFill,
  opcode.tableInit,
  opcode.tableCopy,
  opcode.tableGrow,
  opcode.tableFill
])

/** Walks the body to its end. Throws ModuleError when instructions or blocks are not in order. */
export function planMetering(body: FunctionBody): MeteringPlan {
  return new Planner(body).plan()
}

class Planner {
  readonly #body: FunctionBody
  readonly #spans: Span[] = []
  readonly #bulk: BulkInstruction[] = []
  readonly #stores: number[] = []
  readonly #loads: number[] = []
  readonly #references: number[] = []
  readonly #frames: Frame[] = []
  #hasLoop = false
  /** The span that instructions now belong to; undefined where none is reached. */
  #span: Span | undefined

  constructor(body: FunctionBody) {
    this.#body = body
  }

  plan(): MeteringPlan {
    const { cursor, locals, end } = this.#body
    this.#span = this.#open(undefined, false)
    this.#span.cost = 1 + Math.floor(locals / localsPerUnit)
    this.#push(opcode.block)
    while (this.#frames.length > 0) {
      cursor.next()
      this.#take()
    }
    if (cursor.offset !== end) {
      throw new ModuleError('ERR_MODULE_NESTING', 'instructions follow the end of a function', cursor.offset)
    }
    return {
      spans: this.#spans,
      bulk: this.#bulk,
      hasLoop: this.#hasLoop,
      stores: this.#stores,
      loads: this.#loads,
      references: this.#references
    }
  }

  #take(): void {
    const { cursor } = this.#body
    const code = cursor.code
    const span = this.#span
    if (span !== undefined && !freeCodes.has(code)) {
      span.cost += code === opcode.tableSet ? tableUnitsPerEntry : 1
    }
    switch (code) {
      case opcode.block:
        return this.#push(code)
      case opcode.loop:
        return this.#loop()
      case opcode.if:
        this.#push(code)
        return this.#split()
      case opcode.else:
        return this.#else()
      case opcode.end:
        return this.#end()
      case opcode.br:
      case opcode.brTable:
        return this.#leave(cursor.immediate)
      case opcode.brIf:
        this.#branch(cursor.immediate)
        return this.#split()
      case opcode.return:
        return this.#leave(this.#frames.length - 1)
      case opcode.unreachable:
        this.#span = undefined
        return
      case opcode.call:
        if (span !== undefined) (span.callees ??= []).push(cursor.immediate)
        return this.#synchronise()
      case opcode.callIndirect:
        if (span !== undefined) span.callsIndirectly = true
        return this.#synchronise()
      case opcode.refFunc:
        this.#references.push(cursor.immediate)
        return
      default:
        if (bulkCodes.has(code)) this.#addBulk()
    }
  }

  /** A span that begins with the next instruction. */
  #open(outer: Span | undefined, isLoop: boolean): Span {
    const { offset } = this.#body.cursor
    const span: Span = { offset, outer, isLoop, cost: 0, callees: undefined, callsIndirectly: false }
    this.#spans.push(span)
    return span
  }

  /** What follows is reached less often than what was before. */
  #split(): void {
    if (this.#span !== undefined) this.#span = this.#open(this.#span, false)
  }

  #push(kind: number): void {
    if (this.#frames.length > nestingMax) {
      const { start } = this.#body.cursor
      throw new ModuleError('ERR_MODULE_LIMIT', `blocks are nested deeper than ${nestingMax}`, start)
    }
    this.#frames.push({ kind, outer: this.#span, reach: 0 })
  }

  #loop(): void {
    this.#push(opcode.loop)
    if (this.#span === undefined) return
    this.#hasLoop = true
    this.#span = this.#open(this.#span, true)
  }

  /** The instruction reads and writes the counter itself. */
  #synchronise(): void {
    if (this.#span === undefined) return
    this.#stores.push(this.#body.cursor.start)
    this.#loads.push(this.#body.cursor.offset)
  }

  #leave(label: number): void {
    this.#branch(label)
    this.#span = undefined
  }

  #branch(label: number): void {
    const top = this.#frames.at(-1)
    if (top === undefined || label >= this.#frames.length) {
      throw new ModuleError('ERR_MODULE_INDEX', `there is no label ${label}`, this.#body.cursor.start)
    }
    top.reach = Math.max(top.reach, label)
    if (label === this.#frames.length - 1) this.#stores.push(this.#body.cursor.start) // leaves the function
  }

  #else(): void {
    const frame = this.#frames.pop()
    if (frame?.kind !== opcode.if) {
      throw new ModuleError('ERR_MODULE_NESTING', 'an else without its if', this.#body.cursor.start)
    }
    this.#frames.push({ ...frame, kind: opcode.else })
    this.#span = frame.outer
    this.#split()
  }

  #end(): void {
    const frame = this.#frames.pop()
    const outside = this.#frames.at(-1)
    if (frame === undefined || outside === undefined) {
      this.#stores.push(this.#body.cursor.start) // the end of the function
      return
    }
    outside.reach = Math.max(outside.reach, frame.reach - 1)
    this.#span = frame.outer
    if (frame.reach > 0) this.#split()
  }

  #addBulk(): void {
    const { cursor } = this.#body
    this.#bulk.push({
      code: cursor.code,
      offset: cursor.start,
      end: cursor.offset,
      immediate: cursor.immediate
    })
    this.#synchronise()
  }
}
