/**
 * Making a checkpoint of a zone (B.11): a walk over its blocks in row order writes the manifest as a payload in clear
 * and computes the roots on the way, in flat memory: a zone of any size takes a few sectors. Lists all counted heads.
 */
import { compareBytes, integerMax } from '@blocktree/codec'
import type { CryptoProvider, Random } from '@blocktree/crypto'
import { createCheckpoint } from './checkpoint.ts'
import { zeroId } from './domain.ts'
import { checkpointPreviousMax } from './limits.ts'
import { baseExtension } from './base.ts'
import { IdSet } from './id-key.ts'
import { type ManifestRow, compareRows, encodeManifestRow } from './manifest.ts'
import { noAead } from './payload-shape.ts'
import { PayloadWriter } from './payload-writer.ts'
import type { BlockStore, Clock, Durability, StoredSector } from './ports.ts'
import type { CheckpointRecord, Id } from './records.ts'
import { recordType } from './records.ts'
import type { Signer } from './signed-record.ts'
import type { TreeState } from './tree-state.ts'
import { HeadsRootBuilder, type ManifestRoots, idSetRoot } from './trie.ts'
import { TreeError } from './tree-error.ts'

const sectorsPerCommit = 16
const sectorLog2Default = 16

/** What the roots are computed from. */
type ZoneReader = Pick<TreeState, 'blocksOfZone' | 'blockSummary'>

export interface CheckpointMakerDeps {
  readonly tree: TreeState
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly random: Random
  readonly clock: Clock
}

export interface CheckpointOptions {
  readonly zone: Id
  /** The signer's cap with `admin` over the zone; undefined for the root. */
  readonly cap: Id | undefined
  /** The checkpoints that it follows; at most 64 of them are named. */
  readonly previous: readonly CheckpointRecord[]
  /** An older checkpoint of the zone to name as base (./base.ts). */
  readonly base?: Id
  /** Blocks of the zone that are buried, sorted: those of all previous checkpoints, and what is added. */
  readonly graves?: readonly Id[]
  /** As `authorityRoot` gives it: several checkpoints of one act name the same. */
  readonly authorityRoot: Uint8Array
  /** Default 16: sectors of 64 KiB. */
  readonly sectorLog2?: number
  /** Of the manifest; what is committed later is durable no earlier. Default `none`. */
  readonly durability?: Durability
}

export interface ZoneRoots {
  readonly headsRoot: Uint8Array
  /** Blocks with a head, deleted ones too. */
  readonly blocks: number
}

/**
 * Stores the manifest of what the zone holds at the call and signs the checkpoint; the record is the caller's to commit.
 * Writes may go on meanwhile. ERR_RECORD_MISSING without a tree.
 */
export async function makeCheckpoint(
  deps: CheckpointMakerDeps,
  signer: Signer,
  options: CheckpointOptions
): Promise<CheckpointRecord> {
  const { crypto, clock } = deps
  const { tree } = deps.tree
  if (tree === undefined) throw new TreeError('ERR_RECORD_MISSING', 'a checkpoint needs a tree: none is held')
  const { zone, cap, authorityRoot: authority } = options
  const previous = options.previous.slice(0, checkpointPreviousMax)
  const { manifest, ...roots } = await writeManifest(deps, options)
  return createCheckpoint(crypto, signer, {
    tree,
    zone,
    sequence: Math.min(integerMax, 1 + Math.max(0, ...previous.map(({ body }) => body.sequence))),
    prev: previous.map(({ id }) => id).toSorted(compareBytes),
    ...roots,
    authorityRoot: authority,
    manifest,
    timeMs: clock.now(),
    cap,
    ext: options.base === undefined ? [] : [baseExtension(options.base)]
  })
}

/** Root and count over the heads of a zone as they are now. */
export async function zoneRoots(tree: ZoneReader, crypto: CryptoProvider, zone: Id): Promise<ZoneRoots> {
  const builder = new HeadsRootBuilder(crypto)
  for await (const row of manifestRows(tree, zone)) builder.add(row)
  const { headsRoot, blocks } = builder.finish()
  return { headsRoot, blocks }
}

/** The trie over the ids of all authority records held: tells whether two nodes know the same of them. */
export function authorityRoot(tree: Pick<TreeState, 'authorityRecords'>, crypto: CryptoProvider): Uint8Array {
  const ids = [...tree.authorityRecords()]
    .filter(({ type }) => type !== recordType.header && type !== recordType.receipt)
    .map(({ id }) => id)
  return idSetRoot(crypto, ids.toSorted(compareBytes))
}

async function* manifestRows(
  tree: ZoneReader,
  zone: Id,
  graves: readonly Id[] = []
): AsyncGenerator<ManifestRow> {
  const buried = new IdSet(graves)
  let grave = 0
  // Graves stand in the directory of zeros, and there by block: beside the root block, before all others.
  const gravesBefore = function* (row: ManifestRow | undefined): Generator<ManifestRow> {
    for (let block = graves[grave]; block !== undefined; block = graves[++grave]) {
      const next = { directory: zeroId, block, heads: [] }
      if (row !== undefined && compareRows(row, next) < 0) return
      yield next
    }
  }
  for await (const row of headRows(tree, zone)) {
    if (buried.has(row.block)) continue
    yield* gravesBefore(row)
    yield row
  }
  yield* gravesBefore(undefined)
}

async function* headRows(tree: ZoneReader, zone: Id): AsyncGenerator<ManifestRow> {
  for await (const { parent, block } of tree.blocksOfZone(zone)) {
    const heads = tree.blockSummary(block)?.heads ?? []
    if (heads.length === 0) continue
    const sorted = heads.toSorted((left, right) => compareBytes(left.id, right.id))
    yield { directory: parent ?? zeroId, block, heads: sorted.map(({ id, version }) => ({ id, version })) }
  }
}

async function writeManifest(
  { tree, store, crypto, random }: CheckpointMakerDeps,
  { zone, graves, sectorLog2 = sectorLog2Default, durability = 'none' }: CheckpointOptions
): Promise<ManifestRoots & Pick<CheckpointRecord['body'], 'manifest'>> {
  const roots = new HeadsRootBuilder(crypto)
  let sectors: StoredSector[] = []
  const writer = new PayloadWriter(
    { crypto, random, block: zone, aead: noAead },
    { sectorLog2, emit: (sector) => sectors.push({ ...sector, bytes: sector.bytes.slice() }) }
  )
  const flush = async (): Promise<void> => {
    const waiting = sectors
    sectors = []
    if (waiting.length > 0) await store.commit({ sectors: waiting }, { durability })
  }
  for await (const row of manifestRows(tree, zone, graves)) {
    roots.add(row)
    writer.push(encodeManifestRow(row))
    if (sectors.length >= sectorsPerCommit) await flush()
  }
  const { payload, size } = writer.finish()
  await flush()
  return { ...roots.finish(), manifest: { ...payload, size, rootKey: undefined } }
}
