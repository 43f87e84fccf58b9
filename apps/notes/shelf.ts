/** All notes of the app, newest first on demand. The files are the truth: `refresh` follows what the node says changed. */
import { Failure, files, status } from '../../packages/app-sdk/assemblyscript/blocktree'
import { Note, idOf, readNote } from './note'

const notesMax = 10000

export class Shelf {
  private notes: Map<string, Note> = new Map<string, Note>()
  /** Something changed that could not be read: the permission was taken back meanwhile. */
  isBehind: bool = false

  get size(): i32 {
    return this.notes.size
  }

  /** Reads every file anew. False when the folder cannot be listed. */
  load(): bool {
    this.notes.clear()
    this.isBehind = false
    let after: string | null = null
    do {
      const page = files.listDirectory('/data', after, 1000)
      if (page == null) {
        this.isBehind = status != Failure.NotFound
        return !this.isBehind
      }
      for (let index = 0; index < page.entries.length; index++) {
        if (this.notes.size < notesMax) this.refresh(idOf(page.entries[index].name))
      }
      after = page.next
    } while (after != null)
    return true
  }

  get isFull(): bool {
    return this.notes.size >= notesMax
  }

  /** An empty id is passed over. What is gone is forgotten; what cannot be read now stays as it was known until the node tells of it. */
  refresh(id: string): void {
    if (id.length == 0) return
    const read = readNote(id)
    if (read.note != null) this.notes.set(id, read.note!)
    else if (read.failure == Failure.Denied || read.failure == Failure.Revoked) this.isBehind = true
    else if (read.failure == Failure.NotFound || read.failure == Failure.TooLarge) this.notes.delete(id)
  }

  put(note: Note): void {
    this.notes.set(note.id, note)
  }

  remove(id: string): void {
    this.notes.delete(id)
  }

  find(id: string): Note | null {
    return this.notes.has(id) ? this.notes.get(id) : null
  }

  /** Those in which every word of `query` occurs; the last changed first. */
  search(query: string): Note[] {
    const words = query
      .toLowerCase()
      .split(' ')
      .filter((word) => word.length > 0)
    const all = this.notes.values()
    const found: Note[] = []
    for (let index = 0; index < all.length; index++) {
      if (all[index].matches(words)) found.push(all[index])
    }
    return found.sort((one, other) =>
      one.modified < other.modified ? 1 : one.modified > other.modified ? -1 : 0
    )
  }
}
