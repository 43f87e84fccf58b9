/**
 * Which files of LevelDB belong to it, out of its manifest (version edits, doc/impl.md of LevelDB 1.20). A table
 * that a shutdown interrupted lies there unfinished and is not named: it is no damage.
 */
import type { IndexDamage } from './index-store.ts'
import { verifyLevelLog } from './level-verification.ts'
import { readVarint } from './level-varint.ts'

export interface LevelFiles {
  /** Bytes of every table, by number. */
  readonly tables: ReadonlyMap<number, number>
  /** Logs from this number on hold writes that are in no table. */
  readonly firstLog: number
  /** One older log that is still needed; 0 for none. */
  readonly formerLog: number
}

/** What the manifest names, or where it is damaged. */
export function readLevelManifest(file: string, content: Uint8Array): LevelFiles | IndexDamage {
  const edits: Uint8Array[] = []
  const { damage } = verifyLevelLog(file, content, { onRecord: (record) => edits.push(record) })
  if (damage !== undefined) return damage
  const tables = new Map<number, number>()
  const state = { firstLog: 0, formerLog: 0 }
  for (const edit of edits) {
    if (!applyEdit(new EditReader(edit), tables, state)) {
      return { file, offset: 0, problem: 'the manifest holds an edit that cannot be read' }
    }
  }
  return { tables, ...state }
}

const tag = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  formerLogNumber: 9
} as const

function applyEdit(
  edit: EditReader,
  tables: Map<number, number>,
  state: { firstLog: number; formerLog: number }
): boolean {
  while (!edit.atEnd) {
    switch (edit.number()) {
      case tag.comparator:
        edit.bytes()
        break
      case tag.logNumber:
        state.firstLog = edit.number()
        break
      case tag.nextFileNumber:
      case tag.lastSequence:
        edit.number()
        break
      case tag.compactPointer:
        edit.number()
        edit.bytes()
        break
      case tag.deletedFile:
        edit.number()
        tables.delete(edit.number())
        break
      case tag.newFile: {
        edit.number()
        const number = edit.number()
        tables.set(number, edit.number())
        edit.bytes()
        edit.bytes()
        break
      }
      case tag.formerLogNumber:
        state.formerLog = edit.number()
        break
      default:
        return false
    }
  }
  return edit.sound
}

class EditReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length
  }

  get sound(): boolean {
    return this.#offset === this.#bytes.length
  }

  number(): number {
    const [value, next] = readVarint(this.#bytes, this.#offset)
    this.#offset = next
    return value
  }

  bytes(): void {
    const length = this.number()
    this.#offset += length
  }
}
