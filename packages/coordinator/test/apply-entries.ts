import { CanonicalWriter } from '@blocktree/codec'
import { writeEntry } from '../src/raft/entry.ts'
import type { StoredRaft } from '../src/raft/storage.ts'

/** Each stored entry as text, the first at place 0: only for logs without a snapshot. */
export function applyEntries(stored: StoredRaft): readonly string[] {
  if (stored.snapshot.index > 0) throw new Error('the log begins with a snapshot')
  return stored.entries.map((entry) => {
    const writer = new CanonicalWriter(128)
    writeEntry(writer, entry)
    return Buffer.from(writer.finish()).toString('hex')
  })
}
