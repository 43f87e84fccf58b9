/**
 * Where a function is charged, and how much (doc/spec/16-wasm-module.md, section 5).
 *
 * A segment is a set of instructions that run exactly as often as its first place is passed, unless a trap ends the
 * call: straight code, going on behind blocks, conditions and loops that nothing leaves sidewards. So the unit taken at
 * the first place is exact, and there are fewer places than basic blocks.
 */
import type { FunctionBody } from './function-body.ts'
import { localsPerUnit, nestingMax } from './limits.ts'
import { ModuleError } from './module-error.ts'
import { opcode } from './opcode.ts'

export interface Charge {
  /** The charge stands before the byte at this offset of the module. */
  readonly offset: number
  cost: number
  /** The place is passed again and again (a loop, a function that calls), so the counter is looked at. */
  isChecked: boolean
}

/** An instruction that is charged by what its operands say. */
export interface BulkInstruction {
  readonly code: number
  readonly offset: number
  readonly end: number
  readonly immediate: number
}

export interface MeteringPlan {
  /** By offset; places without cost that need no check are left out. */
  readonly charges: readonly Charge[]
  readonly bulk: readonly BulkInstruction[]
}

interface Frame {
  readonly kind: number
  /** The segment that was open when the block began. */
  readonly outer: Charge | undefined
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
  readonly #charges: Charge[] = []
  readonly #bulk: BulkInstruction[] = []
  readonly #frames: Frame[] = []
  /** The segment that instructions now belong to; undefined where none is reached. */
  #segment: Charge | undefined

  constructor(body: FunctionBody) {
    this.#body = body
  }

  plan(): MeteringPlan {
    const { cursor, locals, end } = this.#body
    const entry = this.#open(cursor.offset)
    entry.cost = 1 + Math.floor(locals / localsPerUnit)
    this.#segment = entry
    this.#push(opcode.block)
    while (this.#frames.length > 0) {
      cursor.next()
      this.#take(entry)
    }
    if (cursor.offset !== end) {
      throw new ModuleError('ERR_MODULE_NESTING', 'instructions follow the end of a function', cursor.offset)
    }
    const charges = this.#charges.filter(({ cost, isChecked }) => cost > 0 || isChecked)
    return { charges, bulk: this.#bulk }
  }

  #take(entry: Charge): void {
    const { cursor } = this.#body
    const code = cursor.code
    if (this.#segment !== undefined && !freeCodes.has(code)) this.#segment.cost++
    switch (code) {
      case opcode.block:
        return this.#push(code)
      case opcode.loop:
        this.#push(code)
        if (this.#segment !== undefined) this.#segment = this.#open(cursor.offset, true)
        return
      case opcode.if:
        this.#push(code)
        return this.#split()
      case opcode.else:
        return this.#else()
      case opcode.end:
        return this.#end()
      case opcode.br:
      case opcode.brTable:
        this.#branch(cursor.immediate)
        this.#segment = undefined
        return
      case opcode.brIf:
        this.#branch(cursor.immediate)
        return this.#split()
      case opcode.return:
        this.#branch(this.#frames.length - 1)
        this.#segment = undefined
        return
      case opcode.unreachable:
        this.#segment = undefined
        return
      case opcode.call:
      case opcode.callIndirect:
        entry.isChecked = true
        return
      default:
        if (bulkCodes.has(code)) this.#addBulk()
    }
  }

  #open(offset: number, isChecked = false): Charge {
    const charge = { offset, cost: 0, isChecked }
    this.#charges.push(charge)
    return charge
  }

  /** What follows is reached less often than what was before. */
  #split(): void {
    if (this.#segment !== undefined) this.#segment = this.#open(this.#body.cursor.offset)
  }

  #push(kind: number): void {
    if (this.#frames.length > nestingMax) {
      const { start } = this.#body.cursor
      throw new ModuleError('ERR_MODULE_LIMIT', `blocks are nested deeper than ${nestingMax}`, start)
    }
    this.#frames.push({ kind, outer: this.#segment, reach: 0 })
  }

  #branch(label: number): void {
    const top = this.#frames.at(-1)
    if (top === undefined || label >= this.#frames.length) {
      throw new ModuleError('ERR_MODULE_INDEX', `there is no label ${label}`, this.#body.cursor.start)
    }
    top.reach = Math.max(top.reach, label)
  }

  #else(): void {
    const frame = this.#frames.pop()
    if (frame?.kind !== opcode.if) {
      throw new ModuleError('ERR_MODULE_NESTING', 'an else without its if', this.#body.cursor.start)
    }
    this.#frames.push({ ...frame, kind: opcode.else })
    this.#segment = frame.outer === undefined ? undefined : this.#open(this.#body.cursor.offset)
  }

  #end(): void {
    const frame = this.#frames.pop()
    const outside = this.#frames.at(-1)
    if (frame === undefined || outside === undefined) return
    outside.reach = Math.max(outside.reach, frame.reach - 1)
    this.#segment = frame.outer
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
  }
}
