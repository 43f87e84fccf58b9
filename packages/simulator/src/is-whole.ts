/** What a machine still holds of a record after bits of its disk flipped. */
import { decodeRecord, listReferences, recordType } from '@blocktree/tree'
import type { SimulatedNode } from './node.ts'

/** True when the record is read back, and with a header its content. */
export function isWhole({ store, tree, files }: SimulatedNode, id: Uint8Array): boolean {
  try {
    const stored = store.readRecord(id)
    if (stored === undefined) return false
    const record = decodeRecord(files.context.crypto, stored.bytes)
    const payload = record.type === recordType.header ? record.body.payload : undefined
    if (payload === undefined || stored.inline !== undefined) return true
    const read = (sector: Uint8Array): Uint8Array | undefined => store.readSector(sector)
    for (const { hash } of listReferences(payload, read)) if (read(hash) === undefined) return false
    return tree.header(id, false) !== undefined
  } catch {
    return false
  }
}
