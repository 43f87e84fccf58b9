/**
 * Checkpoints made here: a signed list of every counted head of one zone (MODEL B.11). They are the cut of a later
 * revocation and the "until" of an exposure report. Rows are streamed, a zone of any size takes one sector of memory.
 */
import { compareBytes, equalBytes, integerMax } from '@blocktree/codec'
import {
  type CheckpointRecord,
  HeadsRootBuilder,
  type Id,
  type ManifestRow,
  PayloadWriter,
  type StoredSector,
  type TreeState,
  createCheckpoint,
  encodeManifestRow,
  idSetRoot,
  limits,
  noAead,
  recordType,
  right
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { CommitBatch } from '../commit-batch.ts'
import type { FilesContext } from '../files-context.ts'
import { idKey } from '../id-key.ts'
import { batchSectorBytesMax } from '../limits.ts'
import { capFor, treeId } from '../write-version.ts'

const sectorLog2 = 16
const noDirectory = new Uint8Array(32)

export interface ZoneCheckpoint {
  readonly record: CheckpointRecord
  /** False when the last checkpoint says the same already. */
  readonly isNew: boolean
}

export interface ZoneRoots {
  readonly headsRoot: Uint8Array
  readonly blocks: number
}

/** @throws ERR_ACCESS_DENIED without the right `admin` for the zone */
export async function makeCheckpoint(context: FilesContext, actor: Actor, zone: Id): Promise<ZoneCheckpoint> {
  const [made] = await makeCheckpoints(context, actor, [zone])
  if (made === undefined) throw new Error('one zone gives one checkpoint')
  return made
}

/**
 * One for each zone, in their order; all of them name the authority records as they were before the first.
 * @throws ERR_ACCESS_DENIED without the right `admin` for one of the zones
 */
export async function makeCheckpoints(
  context: FilesContext,
  actor: Actor,
  zones: readonly Id[]
): Promise<readonly ZoneCheckpoint[]> {
  await context.tree.settled()
  const authority = authorityRoot(context)
  const batch = new CommitBatch(context)
  const made: ZoneCheckpoint[] = []
  for (const zone of zones) {
    const checkpoint = await checkpointZone(context, actor, zone, authority)
    made.push(checkpoint)
    if (checkpoint.isNew) batch.add({ record: checkpoint.record })
    if (batch.isFull) await batch.commit()
  }
  await batch.commit()
  await context.tree.settled()
  return made
}

async function checkpointZone(
  context: FilesContext,
  actor: Actor,
  zone: Id,
  authority: Uint8Array
): Promise<ZoneCheckpoint> {
  const { crypto, tree } = context
  const cap = capFor(actor, { home: zone, block: undefined }, right.admin, 'checkpoint')
  const previous = checkpointHeads(tree, zone)
  const only = previous[0]
  if (previous.length === 1 && only !== undefined) {
    const roots = await zoneRoots(context, zone)
    if (equalBytes(roots.headsRoot, only.body.headsRoot)) return { record: only, isNew: false }
  }
  const { manifest, roots } = await writeManifest(context, zone)
  const record = createCheckpoint(crypto, actor.signer, {
    tree: treeId(context),
    zone,
    sequence: Math.min(integerMax, 1 + Math.max(0, ...previous.map(({ body }) => body.sequence))),
    prev: previous.map(({ id }) => id).toSorted(compareBytes),
    ...roots,
    graveRoot: new Uint8Array(32),
    graves: 0,
    authorityRoot: authority,
    manifest,
    timeMs: context.clock.now(),
    cap: cap.cap
  })
  return { record, isNew: true }
}

/** Checkpoints of a zone that no other held one names as previous. */
export function checkpointHeads(tree: TreeState, zone: Id): readonly CheckpointRecord[] {
  const held = tree.authority.checkpointsOf(zone)
  const named = new Set(held.flatMap(({ body }) => body.prev.map(idKey)))
  return held.filter(({ id }) => !named.has(idKey(id))).slice(0, limits.checkpointPreviousMax)
}

/** The last checkpoint of a zone made at or before `timeMs`; undefined when there is none. */
export function checkpointBefore(tree: TreeState, zone: Id, timeMs: number): CheckpointRecord | undefined {
  return tree.authority
    .checkpointsOf(zone)
    .filter(({ body }) => body.timeMs <= timeMs)
    .toSorted(
      (left, right) => right.body.timeMs - left.body.timeMs || right.body.sequence - left.body.sequence
    )[0]
}

/** Root and count over the heads of a zone as they are now. */
export async function zoneRoots(context: FilesContext, zone: Id): Promise<ZoneRoots> {
  const builder = new HeadsRootBuilder(context.crypto)
  for await (const row of manifestRows(context, zone)) builder.add(row)
  return builder.finish()
}

/** The trie over the ids of all authority records. */
export function authorityRoot(context: FilesContext): Uint8Array {
  const ids = [...context.tree.authorityRecords()]
    .filter(({ type }) => type !== recordType.header && type !== recordType.receipt)
    .map(({ id }) => id)
  return idSetRoot(context.crypto, ids.toSorted(compareBytes))
}

async function* manifestRows(context: FilesContext, zone: Id): AsyncGenerator<ManifestRow> {
  for await (const { parent, block } of context.tree.blocksOfZone(zone)) {
    const heads = context.tree.blockSummary(block)?.heads ?? []
    if (heads.length === 0) continue
    const sorted = heads.toSorted((left, right) => compareBytes(left.id, right.id))
    yield {
      directory: parent ?? noDirectory,
      block,
      heads: sorted.map(({ id, version }) => ({ id, version }))
    }
  }
}

async function writeManifest(
  context: FilesContext,
  zone: Id
): Promise<{ readonly manifest: CheckpointRecord['body']['manifest']; readonly roots: ZoneRoots }> {
  const { crypto, random, store } = context
  let waiting: StoredSector[] = []
  let bytes = 0
  const writer = new PayloadWriter(
    { crypto, random, block: zone, aead: noAead },
    {
      sectorLog2,
      emit: (sector) => {
        waiting.push(sector)
        bytes += sector.bytes.length
      }
    }
  )
  const builder = new HeadsRootBuilder(crypto)
  const flush = async (): Promise<void> => {
    const sectors = waiting
    waiting = []
    bytes = 0
    if (sectors.length > 0) await store.commit({ sectors }, { durability: 'none' })
  }
  for await (const row of manifestRows(context, zone)) {
    builder.add(row)
    writer.push(encodeManifestRow(row))
    if (bytes >= batchSectorBytesMax) await flush()
  }
  const { payload, size } = writer.finish()
  await flush()
  return { manifest: { ...payload, size, rootKey: undefined }, roots: builder.finish() }
}
