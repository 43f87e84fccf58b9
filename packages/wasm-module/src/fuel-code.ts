/**
 * The instructions that are put into functions: charges, and the helpers that do long fills and copies in stretches
 * (doc/spec/16-wasm-module.md, section 6). All of them leave the stack as it was.
 */
import type { BinaryWriter } from './binary-writer.ts'
import { bulkBytesPerUnit, bulkChunkBytes, growUnitsPerPage, tableUnitsPerEntry } from './limits.ts'
import type { Charge } from './charge-plan.ts'
import type { BulkInstruction } from './metering.ts'
import { opcode } from './opcode.ts'

const nothing = 0x40 // block type without values
const fillShift = Math.log2(bulkBytesPerUnit)

/** What the inserted instructions name. */
export interface FuelPlaces {
  /** Index of the counter. */
  readonly fuel: number
  /** Index of a local of type i32 that nothing else uses. */
  readonly scratch: number
  /** Index of the local of type i64 that holds the counter; undefined when the function has none. */
  readonly left: number | undefined
  /** Indices of the helpers. */
  readonly fill: number
  readonly copy: number
  /** Largest size of the memory in pages and of each table in entries. */
  readonly memoryMax: number
  tableMax(index: number): number
}

/**
 * Takes the cost from the counter and looks at it when asked. A function with a loop has the counter in a local: a round
 * then does not wait for what the round before wrote into memory.
 */
export function writeCharge(writer: BinaryWriter, places: FuelPlaces, { cost, isChecked }: Charge): void {
  const { fuel, left } = places
  const read = (): void =>
    left === undefined
      ? writer.instruction(opcode.globalGet, fuel)
      : writer.instruction(opcode.localGet, left)
  if (cost > 0) {
    read()
    writer.i64Const(cost)
    writer.byte(opcode.i64Sub)
    if (left === undefined) writer.instruction(opcode.globalSet, fuel)
    else writer.instruction(opcode.localSet, left)
  }
  if (!isChecked) return
  read()
  writeTrapBelowZero(writer, () => {
    if (left !== undefined) writeStore(writer, fuel, left)
  })
}

/** Reads the counter into the local. */
export function writeLoad(writer: BinaryWriter, fuel: number, left: number): void {
  writer.instruction(opcode.globalGet, fuel)
  writer.instruction(opcode.localSet, left)
}

/** Writes the local to the counter. */
export function writeStore(writer: BinaryWriter, fuel: number, left: number): void {
  writer.instruction(opcode.localGet, left)
  writer.instruction(opcode.globalSet, fuel)
}

/** Traps when the counter is below zero. */
function writeCheck(writer: BinaryWriter, fuel: number): void {
  writer.instruction(opcode.globalGet, fuel)
  writeTrapBelowZero(writer, () => {})
}

/** Traps when what is on the stack is below zero, after `before`. */
function writeTrapBelowZero(writer: BinaryWriter, before: () => void): void {
  writer.i64Const(0)
  writer.byte(opcode.i64LtS)
  writer.instruction(opcode.if)
  writer.byte(nothing)
  before()
  writer.byte(opcode.unreachable)
  writer.byte(opcode.end)
}

/** A bulk instruction with its charge before it; `original` copies the instruction itself. */
export function writeBulk(
  writer: BinaryWriter,
  places: FuelPlaces,
  { code, immediate }: BulkInstruction,
  original: () => void
): void {
  switch (code) {
    case opcode.memoryFill:
      return writer.instruction(opcode.call, places.fill)
    case opcode.memoryCopy:
      return writer.instruction(opcode.call, places.copy)
    case opcode.memoryInit:
      writeLengthCharge(writer, places, () => {
        writer.i64Const(fillShift)
        writer.byte(opcode.i64ShrU)
      })
      return original()
    case opcode.memoryGrow:
      writeGrowCharge(writer, places, places.memoryMax, growUnitsPerPage, () =>
        writer.instruction(opcode.memorySize, 0)
      )
      return original()
    case opcode.tableGrow:
      writeGrowCharge(writer, places, places.tableMax(immediate), tableUnitsPerEntry, () =>
        writer.instruction(opcode.tableSize, immediate)
      )
      return original()
    default:
      writeLengthCharge(writer, places, () => writeTimes(writer, tableUnitsPerEntry))
      return original()
  }
}

/** Charges by the length on top of the stack; `toUnits` turns it (i64) into units. */
function writeLengthCharge(writer: BinaryWriter, places: FuelPlaces, toUnits: () => void): void {
  writer.instruction(opcode.localTee, places.scratch)
  writer.instruction(opcode.globalGet, places.fuel)
  writer.instruction(opcode.localGet, places.scratch)
  writer.byte(opcode.i64ExtendI32U)
  toUnits()
  writer.byte(opcode.i64Sub)
  writer.instruction(opcode.globalSet, places.fuel)
  writeCheck(writer, places.fuel)
}

/** Charges by the growth on top of the stack when it fits below `max`; else growing fails and costs nothing more. */
function writeGrowCharge(
  writer: BinaryWriter,
  places: FuelPlaces,
  max: number,
  unitsEach: number,
  size: () => void
): void {
  writer.instruction(opcode.localTee, places.scratch)
  writer.instruction(opcode.globalGet, places.fuel)
  writer.instruction(opcode.localGet, places.scratch)
  writer.i32Const(0)
  writer.instruction(opcode.localGet, places.scratch)
  writer.i32Const(max)
  size()
  writer.byte(opcode.i32Sub)
  writer.byte(opcode.i32LeU)
  writer.byte(opcode.select)
  writer.byte(opcode.i64ExtendI32U)
  writeTimes(writer, unitsEach)
  writer.byte(opcode.i64Sub)
  writer.instruction(opcode.globalSet, places.fuel)
  writeCheck(writer, places.fuel)
}

function writeTimes(writer: BinaryWriter, factor: number): void {
  writer.i64Const(factor)
  writer.byte(opcode.i64Mul)
}

const target = 0
const source = 1 // the value, for a fill
const length = 2

/**
 * Body of the helper (target, value or source, length) for memory.fill or memory.copy: charges, then works in stretches
 * of bulkChunkBytes. When the range is not in the memory, the last instruction gets it whole and traps before it writes.
 */
export function writeStretches(
  writer: BinaryWriter,
  fuel: number,
  code: typeof opcode.memoryFill | typeof opcode.memoryCopy
): void {
  const isCopy = code === opcode.memoryCopy
  writer.u32(0) // no locals
  writer.instruction(opcode.globalGet, fuel)
  writeWide(writer, length)
  writer.i64Const(fillShift)
  writer.byte(opcode.i64ShrU)
  writer.byte(opcode.i64Sub)
  writer.instruction(opcode.globalSet, fuel)
  writeCheck(writer, fuel)
  writer.instruction(opcode.block)
  writer.byte(nothing)
  writeIsShort(writer)
  writer.instruction(opcode.brIf, 0)
  writeIsOutside(writer, target)
  writer.instruction(opcode.brIf, 0)
  if (isCopy) {
    writeIsOutside(writer, source)
    writer.instruction(opcode.brIf, 0)
    writeBackwardLoop(writer)
  }
  writeForwardLoop(writer, code)
  writer.byte(opcode.end)
  for (const local of [target, source, length]) writer.instruction(opcode.localGet, local)
  writer.instruction(code, ...(isCopy ? [0, 0] : [0]))
  writer.byte(opcode.end)
}

/** The local as an unsigned i64. */
function writeWide(writer: BinaryWriter, local: number): void {
  writer.instruction(opcode.localGet, local)
  writer.byte(opcode.i64ExtendI32U)
}

function writeIsShort(writer: BinaryWriter): void {
  writer.instruction(opcode.localGet, length)
  writer.i32Const(bulkChunkBytes)
  writer.byte(opcode.i32LeU)
}

function writeIsOutside(writer: BinaryWriter, start: number): void {
  writeWide(writer, start)
  writeWide(writer, length)
  writer.byte(opcode.i64Add)
  writer.instruction(opcode.memorySize, 0)
  writer.byte(opcode.i64ExtendI32U)
  writer.i64Const(16)
  writer.byte(opcode.i64Shl)
  writer.byte(opcode.i64GtU)
}

function writeAdd(writer: BinaryWriter, local: number, difference: number): void {
  writer.instruction(opcode.localGet, local)
  writer.i32Const(difference)
  writer.byte(opcode.i32Add)
  writer.instruction(opcode.localSet, local)
}

/** From the front, until at most one stretch is left. */
function writeForwardLoop(
  writer: BinaryWriter,
  code: typeof opcode.memoryFill | typeof opcode.memoryCopy
): void {
  const isCopy = code === opcode.memoryCopy
  writer.instruction(opcode.loop)
  writer.byte(nothing)
  writer.instruction(opcode.localGet, target)
  writer.instruction(opcode.localGet, source)
  writer.i32Const(bulkChunkBytes)
  writer.instruction(code, ...(isCopy ? [0, 0] : [0]))
  writeAdd(writer, target, bulkChunkBytes)
  if (isCopy) writeAdd(writer, source, bulkChunkBytes)
  writeAdd(writer, length, -bulkChunkBytes)
  writer.instruction(opcode.localGet, length)
  writer.i32Const(bulkChunkBytes)
  writer.byte(opcode.i32GtU)
  writer.instruction(opcode.brIf, 0)
  writer.byte(opcode.end)
}

/** From the back when the target lies behind the source: what overlaps is read before it is written. */
function writeBackwardLoop(writer: BinaryWriter): void {
  writer.instruction(opcode.localGet, target)
  writer.instruction(opcode.localGet, source)
  writer.byte(opcode.i32GtU)
  writer.instruction(opcode.if)
  writer.byte(nothing)
  writer.instruction(opcode.loop)
  writer.byte(nothing)
  writeAdd(writer, length, -bulkChunkBytes)
  for (const start of [target, source]) {
    writer.instruction(opcode.localGet, start)
    writer.instruction(opcode.localGet, length)
    writer.byte(opcode.i32Add)
  }
  writer.i32Const(bulkChunkBytes)
  writer.instruction(opcode.memoryCopy, 0, 0)
  writer.instruction(opcode.localGet, length)
  writer.i32Const(bulkChunkBytes)
  writer.byte(opcode.i32GtU)
  writer.instruction(opcode.brIf, 0)
  writer.byte(opcode.end)
  writer.instruction(opcode.br, 1)
  writer.byte(opcode.end)
}
