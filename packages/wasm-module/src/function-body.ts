/** The body of a function: its locals, then its instructions. */
import { BinaryReader } from './binary-reader.ts'
import { type IndexSpaces, InstructionCursor } from './instruction-cursor.ts'
import { localsMax } from './limits.ts'
import type { Range } from './module-structure.ts'
import { readValueType } from './value-type.ts'

export interface FunctionBody {
  /** Groups of declared locals, their count before the first group included. */
  readonly localGroups: number
  /** Where the first group stands. */
  readonly groupsStart: number
  /** Where the first instruction stands. */
  readonly codeStart: number
  readonly end: number
  /** Declared locals, without parameters. */
  readonly locals: number
  readonly cursor: InstructionCursor
}

/** Reads the locals and puts a cursor before the first instruction. */
export function openBody(
  bytes: Uint8Array,
  { start, end }: Range,
  spaces: IndexSpaces,
  parameters: number
): FunctionBody {
  const reader = new BinaryReader(bytes, start, end)
  const localGroups = reader.count(end - start, 'groups of locals')
  const groupsStart = reader.offset
  let locals = 0
  for (let left = localGroups; left > 0; left--) {
    const groupStart = reader.offset
    locals += reader.u32()
    if (locals > localsMax) {
      reader.fail('ERR_MODULE_LIMIT', `a function has more than ${localsMax} locals`, groupStart)
    }
    readValueType(reader)
  }
  const cursor = new InstructionCursor(reader, spaces, parameters + locals)
  return { localGroups, groupsStart, codeStart: reader.offset, end, locals, cursor }
}
