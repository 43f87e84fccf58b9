/**
 * Making a checkpoint of a zone (B.11): a walk over its blocks in row order writes the manifest as a payload in clear
 * and computes the roots on the way, in flat memory. Names all anchors of the zone as prev and lists all counted heads.
 */
import { compareBytes, integerMax } from '@blocktree/codec'
import type { CryptoProvider, Random } from '@blocktree/crypto'
import { createCheckpoint } from './checkpoint.ts'
import { zeroId } from './domain.ts'
import { encodeManifestRow } from './manifest.ts'
import { noAead } from './payload-shape.ts'
import { PayloadWriter } from './payload-writer.ts'
import type { BlockStore, Clock, StoredSector } from './ports.ts'
import type { CheckpointRecord, Id } from './records.ts'
import type { Signer } from './signed-record.ts'
import type { TreeState } from './tree-state.ts'
import { HeadsRootBuilder, idSetRoot } from './trie.ts'
import { TreeError } from './tree-error.ts'

const sectorsPerCommit = 16

export interface CheckpointMakerDeps {
  readonly state: TreeState
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly random: Random
  readonly clock: Clock
}

export interface CheckpointOptions {
  readonly zone: Id
  /** The signer's cap with `admin` over the zone; undefined for the root. */
  readonly cap: Id | undefined
  /** Default 16: sectors of 64 KiB. */
  readonly sectorLog2?: number
  readonly signal?: AbortSignal
}

/**
 * Makes, stores and takes a checkpoint of what the zone holds at the call; it is an anchor when the promise resolves.
 * Writes may go on meanwhile. ERR_RECORD_MISSING without a tree; the errors of `commitLocal` without the right.
 */
export async function makeCheckpoint(
  deps: CheckpointMakerDeps,
  signer: Signer,
  options: CheckpointOptions
): Promise<CheckpointRecord> {
  const { state, crypto, clock } = deps
  const { zone, cap } = options
  const { tree } = state
  if (tree === undefined) throw new TreeError('ERR_RECORD_MISSING', 'a checkpoint needs a tree: none is held')
  const anchors = state.anchors(zone)
  const summary = await writeManifest(deps, options)
  const checkpoint = createCheckpoint(crypto, signer, {
    tree,
    zone,
    sequence: Math.min(integerMax, 1 + Math.max(0, ...anchors.map((anchor) => anchor.body.sequence))),
    prev: anchors.map((anchor) => anchor.id),
    headsRoot: summary.headsRoot,
    blocks: summary.blocks,
    graveRoot: zeroId,
    graves: 0,
    authorityRoot: authorityRoot(state, crypto),
    manifest: summary.manifest,
    timeMs: clock.now(),
    cap
  })
  await state.commitLocal({ records: [{ record: checkpoint }] })
  return checkpoint
}

async function writeManifest(
  { state, store, crypto, random }: CheckpointMakerDeps,
  { zone, sectorLog2 = 16, signal }: CheckpointOptions
): Promise<Pick<CheckpointRecord['body'], 'headsRoot' | 'blocks' | 'manifest'>> {
  const roots = new HeadsRootBuilder(crypto)
  let sectors: StoredSector[] = []
  const writer = new PayloadWriter(
    { crypto, random, block: zone, aead: noAead },
    { sectorLog2, emit: (sector) => sectors.push({ ...sector, bytes: sector.bytes.slice() }) }
  )
  for await (const { parent, block } of state.blocksOfZone(zone)) {
    signal?.throwIfAborted()
    const heads = state.blockSummary(block)?.heads ?? []
    if (heads.length === 0) continue
    const row = {
      directory: parent ?? zeroId,
      block,
      heads: heads.toSorted((a, b) => compareBytes(a.id, b.id))
    }
    roots.add(row)
    writer.push(encodeManifestRow(row))
    if (sectors.length < sectorsPerCommit) continue
    await store.commit({ sectors })
    sectors = []
  }
  const { payload, size } = writer.finish()
  if (sectors.length > 0) await store.commit({ sectors })
  return { ...roots.finish(), manifest: { ...payload, size, rootKey: undefined } }
}

/** The trie over the ids of all authority records held: tells whether two nodes know the same of them. */
export function authorityRoot(
  state: Pick<TreeState, 'authorityRecords'>,
  crypto: CryptoProvider
): Uint8Array {
  const ids = [...state.authorityRecords()].map((record) => record.id)
  return idSetRoot(crypto, ids.toSorted(compareBytes))
}
