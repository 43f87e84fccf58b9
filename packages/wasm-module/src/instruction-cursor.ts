/**
 * Walks over the instructions of one expression, strictly: every opcode known, every immediate whole, every index in
 * its space. It does not check types; the engine does that with the module that results. Index spaces matter here,
 * since the rewriter appends to them: an index just behind the end would come to mean the host's own counter.
 */
import type { BinaryReader } from './binary-reader.ts'
import { branchTargetsMax } from './limits.ts'
import { refuseFeature } from './feature.ts'
import { bulkForm, featureOfPlain, featureOfPrefixed, form, plainForm, vectorForm } from './opcode.ts'
import { readReferenceType, readValueType, valueTypeOf } from './value-type.ts'

/** How much there is in each index space. */
export interface IndexSpaces {
  readonly types: number
  readonly functions: number
  readonly tables: number
  readonly memories: number
  readonly globals: number
  readonly elements: number
  readonly data: number
}

export class InstructionCursor {
  readonly #reader: BinaryReader
  readonly #spaces: IndexSpaces
  readonly #locals: number
  /** Opcode of the instruction read last: one byte, or prefix * 256 + number. */
  code = 0
  /** Where it begins. */
  start = 0
  /** Its index (function, local, global, table, segment) or label; for br_table the outermost label. */
  immediate = 0

  constructor(reader: BinaryReader, spaces: IndexSpaces, locals: number) {
    this.#reader = reader
    this.#spaces = spaces
    this.#locals = locals
  }

  /** Where the next instruction begins. */
  get offset(): number {
    return this.#reader.offset
  }

  /** Reads one instruction with its immediates. */
  next(): void {
    const reader = this.#reader
    this.start = reader.offset
    const byte = reader.byte()
    this.code = byte
    if (byte === 0xfc || byte === 0xfd) return this.#prefixed(byte)
    const kind = plainForm[byte] ?? form.unknown
    if (kind === form.none) return
    if (kind === form.unknown) {
      refuseFeature(featureOfPlain(byte), this.start)
      reader.fail('ERR_MODULE_OPCODE', `0x${byte.toString(16)} is no known instruction`, this.start)
    }
    this.#immediates(kind)
  }

  #prefixed(prefix: number): void {
    const reader = this.#reader
    const number = reader.u32()
    const forms = prefix === 0xfc ? bulkForm : vectorForm
    const kind = forms[number] ?? form.unknown
    if (kind === form.unknown) {
      refuseFeature(featureOfPrefixed(prefix, number), this.start)
      const name = `0x${prefix.toString(16)} ${number}`
      reader.fail('ERR_MODULE_OPCODE', `${name} is no known instruction`, this.start)
    }
    this.code = prefix * 256 + number
    if (kind !== form.none) this.#immediates(kind)
  }

  #immediates(kind: number): void {
    const reader = this.#reader
    const spaces = this.#spaces
    switch (kind) {
      case form.local:
        this.immediate = reader.index(this.#locals, 'local')
        return
      case form.i32:
        return reader.skipSigned(32)
      case form.memoryArgument:
        return this.#memoryArgument()
      case form.label:
        this.immediate = reader.u32()
        return
      case form.blockType:
        return this.#blockType()
      case form.call:
      case form.functionIndex:
        this.immediate = reader.index(spaces.functions, 'function')
        return
      case form.global:
        this.immediate = reader.index(spaces.globals, 'global')
        return
      case form.i64:
        return reader.skipSigned(64)
      case form.labels:
        return this.#labels()
      case form.callIndirect:
        reader.index(spaces.types, 'type')
        this.immediate = reader.index(spaces.tables, 'table')
        return
      default:
        return this.#rareImmediates(kind)
    }
  }

  #rareImmediates(kind: number): void {
    const reader = this.#reader
    const spaces = this.#spaces
    switch (kind) {
      case form.f32:
        return reader.skip(4)
      case form.f64:
        return reader.skip(8)
      case form.bytes16:
        return reader.skip(16)
      case form.lane:
        return reader.skip(1)
      case form.memoryArgumentAndLane:
        this.#memoryArgument()
        return reader.skip(1)
      case form.memory:
        return this.#memoryIndex()
      case form.twoMemories:
        this.#memoryIndex()
        return this.#memoryIndex()
      case form.memoryInit:
        reader.index(spaces.data, 'data segment')
        return this.#memoryIndex()
      case form.dataIndex:
        this.immediate = reader.index(spaces.data, 'data segment')
        return
      case form.table:
        this.immediate = reader.index(spaces.tables, 'table')
        return
      case form.twoTables:
        reader.index(spaces.tables, 'table')
        this.immediate = reader.index(spaces.tables, 'table')
        return
      case form.tableInit:
        reader.index(spaces.elements, 'element segment')
        this.immediate = reader.index(spaces.tables, 'table')
        return
      case form.elementIndex:
        this.immediate = reader.index(spaces.elements, 'element segment')
        return
      case form.referenceType:
        readReferenceType(reader)
        return
      case form.types:
        for (let left = reader.count(1, 'types of a select'); left > 0; left--) readValueType(reader)
        return
      default:
        throw new Error(`form ${kind} is not handled`)
    }
  }

  #memoryArgument(): void {
    const reader = this.#reader
    const start = reader.offset
    const alignment = reader.u32()
    if (alignment >= 64 && alignment < 128) refuseFeature('multi-memory', start)
    if (alignment > 4) reader.fail('ERR_MODULE_OPCODE', `2^${alignment} is no alignment`, start)
    if (this.#spaces.memories === 0) reader.fail('ERR_MODULE_INDEX', 'there is no memory', start)
    reader.u32()
  }

  #memoryIndex(): void {
    const start = this.#reader.offset
    if (this.#reader.byte() !== 0) refuseFeature('multi-memory', start)
    if (this.#spaces.memories === 0) this.#reader.fail('ERR_MODULE_INDEX', 'there is no memory', start)
  }

  #blockType(): void {
    const reader = this.#reader
    const start = reader.offset
    const first = reader.bytes[start] ?? 0
    if (start < reader.end && (first === 0x40 || valueTypeOf(first) !== undefined)) return reader.skip(1)
    const index = reader.s33()
    if (index < 0) reader.fail('ERR_MODULE_TYPE', 'a block has no known type', start)
    if (index >= this.#spaces.types) reader.fail('ERR_MODULE_INDEX', `there is no type ${index}`, start)
  }

  #labels(): void {
    const reader = this.#reader
    let outermost = 0
    for (let left = reader.count(branchTargetsMax, 'targets of a br_table'); left >= 0; left--) {
      outermost = Math.max(outermost, reader.u32())
    }
    this.immediate = outermost
  }
}
