/**
 * What garbage collection must keep: every sector that any held version or manifest names. History is not pruned in
 * format 1, so only what no header names goes: uploads that were cut short, above all; what other nodes keep and this one let
 * go; on request also what only removed files name.
 */
import type { BlockStore, Id, PayloadDescriptor, TreeState } from '@blocktree/tree'
import { decodeRecord, listReferences, recordType } from '@blocktree/tree'
import type { CryptoProvider } from '@blocktree/crypto'
import { isLetGo } from '@blocktree/sync'

const idBytes = 32
const idsInChunk = 4096

export interface LiveSectors {
  /** Includes what was written since the mark; call it when no long write is under way. */
  ids(): AsyncGenerator<Id>
  close(): void
}

/** Reads all records. 32 bytes of memory a reference. */
export async function markLiveSectors(
  deps: { readonly store: BlockStore; readonly tree: TreeState; readonly crypto: CryptoProvider },
  { signal, dropRemoved = false }: { readonly signal: AbortSignal; readonly dropRemoved?: boolean }
): Promise<LiveSectors> {
  const { store, tree, crypto } = deps
  const changed = new Map<string, Id>()
  const close = tree.onChange(({ block }) => changed.set(Buffer.from(block).toString('latin1'), block))
  const marks = new IdList()
  const letGo = new IdList()
  for await (const stored of store.records()) {
    signal.throwIfAborted()
    if (stored.type !== recordType.header && stored.type !== recordType.checkpoint) continue
    const record = decodeRecord(crypto, stored.bytes)
    if (isLetGo(store, record.id)) {
      letGo.add(record.id)
      continue
    }
    if (dropRemoved && record.type === recordType.header && isRemoved(tree, record.body.block)) continue
    // a payload beside its header is no sector of its own
    if (record.type === recordType.header && stored.inline === undefined)
      addPayload(marks, store, record.body.payload)
    if (record.type === recordType.checkpoint) addPayload(marks, store, record.body.manifest)
  }
  return {
    async *ids() {
      const later = new IdList()
      for (const block of changed.values()) {
        for await (const { header } of tree.history(block)) {
          if (tree.inlineOf(header.id) === undefined) addPayload(later, store, header.body.payload)
        }
      }
      // taken back since: what is asked for from now on stays, the store sees to that
      for (const id of letGo) {
        const header = isLetGo(store, id) ? undefined : tree.header(id, false)
        if (header !== undefined) addPayload(later, store, header.body.payload)
      }
      yield* marks
      yield* later
    },
    close
  }
}

/** Removed and shown nowhere: neither revived by what lives in it nor contested by another head. */
function isRemoved(tree: TreeState, block: Id): boolean {
  const summary = tree.blockSummary(block)
  return summary !== undefined && summary.deleted && !summary.revived && summary.heads.length === 1
}

function addPayload(marks: IdList, store: BlockStore, payload: PayloadDescriptor | undefined): void {
  if (payload === undefined) return
  const read = (id: Id): Uint8Array | undefined => store.readSector(id)
  for (const part of listReferences(payload, read, { onMissing: () => undefined })) marks.add(part.hash)
}

class IdList {
  readonly #chunks: Uint8Array[] = []
  #count = 0

  add(id: Id): void {
    const place = this.#count++ % idsInChunk
    if (place === 0) this.#chunks.push(new Uint8Array(idsInChunk * idBytes))
    this.#chunks.at(-1)?.set(id, place * idBytes)
  }

  *[Symbol.iterator](): Generator<Id> {
    for (let index = 0; index < this.#count; index++) {
      const start = (index % idsInChunk) * idBytes
      const chunk = this.#chunks[Math.floor(index / idsInChunk)]
      if (chunk !== undefined) yield chunk.slice(start, start + idBytes)
    }
  }
}
