/** What imports and exports share: the parts of the node they work with, and the job they open in the worker pool. */
import type { Actor, Files } from '@blocktree/files'
import type { DiskStore, PackedFrames } from '@blocktree/store'
import type { Id } from '@blocktree/tree'
import { wipe } from '@blocktree/crypto'
import type { JobSecrets } from './worker-message.ts'
import type { TransferProgress } from './transfer-count.ts'
import type { JobHooks, WorkerPool } from './worker-pool.ts'

export interface TransferParts {
  readonly files: Files
  readonly store: DiskStore
  readonly pool: WorkerPool
  /** The secret of the name index, as given to `createFiles`. */
  readonly nameSecret: Uint8Array
  /** Never imported. */
  readonly dataDirectory: string
}

export interface TransferControl {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TransferProgress) => void
  /** Fetches content that other nodes keep before it is read; what nobody gives is a problem of its file. @returns what ends the reading */
  readonly ensure?: (versions: readonly Id[]) => Promise<() => void>
}

/** @param writes the job makes new files: it needs the signing seed */
export function jobHooks(parts: TransferParts, actor: Actor, writes: boolean): JobHooks {
  const { store } = parts
  return {
    secrets: () => secretsOf(parts, actor, writes),
    onFrames: (frames: PackedFrames) => store.appendPacked(frames),
    placesOf: (hashes) => {
      const count = hashes.length / 32
      const places = new Float64Array(count * 3)
      for (let index = 0; index < count; index++) {
        putPlace(places, index, store, 'sector', hashes.subarray(index * 32, index * 32 + 32))
      }
      return places
    },
    read: (kind, reference) =>
      kind === 'sector' ? store.readSector(reference) : readRecord(store, reference)
  }
}

function secretsOf(parts: TransferParts, actor: Actor, writes: boolean): JobSecrets {
  if (!writes) return { signerId: actor.id, signSeed: undefined, nameSecret: undefined }
  const seed = actor.signer.key.exportSeed()
  const signSeed = new Uint8Array(seed)
  wipe(seed)
  return { signerId: actor.id, signSeed, nameSecret: new Uint8Array(parts.nameSecret) }
}

/** Writes three numbers: segment, offset, length; leaves zeros when the place is not known. */
export function putPlace(
  places: Float64Array,
  index: number,
  store: DiskStore,
  kind: 'record' | 'sector',
  reference: Id
): void {
  const place = store.placeOf(kind, reference)
  if (place === undefined) return
  places[index * 3] = place.segment
  places[index * 3 + 1] = place.offset
  places[index * 3 + 2] = place.length
}

/** Length of the envelope, envelope, inline sector. */
function readRecord(store: DiskStore, id: Id): Uint8Array | undefined {
  const record = store.readRecord(id)
  if (record === undefined) return undefined
  const bytes = new Uint8Array(4 + record.bytes.length + (record.inline?.length ?? 0))
  new DataView(bytes.buffer).setUint32(0, record.bytes.length)
  bytes.set(record.bytes, 4)
  if (record.inline !== undefined) bytes.set(record.inline, 4 + record.bytes.length)
  return bytes
}
