/**
 * Property D1 of the model: what a set of records shows does not depend on the order in which they came, nor on how often.
 * All that a node holds at the end is offered to an empty one, shuffled, some of it twice.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import { createSeededRandom, type SeededRandom } from '@blocktree/crypto/seeded-random'
import { createStore } from '@blocktree/store'
import {
  type AnyRecord,
  type BlockStore,
  type CheckpointRecord,
  type Id,
  type StoredSector,
  type TreeState,
  createTreeState,
  listReferences,
  recordType
} from '@blocktree/tree'
import { storeOptions } from './founding.ts'
import { type Violation, summaryOfTree } from './summary.ts'
import { Machine } from './machine.ts'
import type { SimulatedNode } from './node.ts'
import type { Simulation } from './simulation.ts'

/** As many as wait for others at once: more would be dropped, and asked for again by replication. */
const recordsMax = 900
const batchMax = 40
const rule = 'the same records show the same in any order'

/** Nothing when there are more records than may wait for one another. */
export async function anyOrder(simulation: Simulation, node: SimulatedNode): Promise<readonly Violation[]> {
  const { tree, files } = node
  const { crypto, clock } = files.context
  const records = await recordsOf(node)
  if (records.length > recordsMax) return []
  const random = createSeededRandom(`${simulation.seed} order`)
  const store = await createStore(new Machine().drivers(random), storeOptions)
  const copy = await createTreeState({ store, crypto, clock })
  try {
    const missing = await offerAll(copy, shuffle(records, random), birthsOf(tree))
    if (missing !== undefined) return [{ rule, what: missing }]
    return await compare(simulation.rootBlock, tree, copy, crypto)
  } finally {
    copy.close()
    await store.close()
  }
}

interface Held {
  readonly bytes: Uint8Array
  /** Of a checkpoint: its manifest. */
  readonly sectors: readonly StoredSector[]
}

async function recordsOf({ tree, store }: SimulatedNode): Promise<readonly Held[]> {
  const records: Held[] = []
  const add = (record: AnyRecord): void => {
    const sectors = record.type === recordType.checkpoint ? manifestOf(store, record) : []
    records.push({ bytes: record.bytes, sectors })
  }
  for (const record of tree.authorityRecords()) add(record)
  const all = { from: new Uint8Array(0) }
  for await (const id of tree.receiptIds(all)) {
    const receipt = tree.record(id)
    if (receipt !== undefined) add(receipt)
  }
  for await (const { block } of tree.blockTips(all)) for (const header of tree.headersOf(block)) add(header)
  return records
}

function manifestOf(store: BlockStore, { body: { manifest } }: CheckpointRecord): readonly StoredSector[] {
  if (manifest.size === 0) return []
  const read = (id: Id): Uint8Array | undefined => store.readSector(id)
  const sectors: StoredSector[] = []
  for (const { hash } of listReferences(manifest, read, { onMissing: () => undefined })) {
    const bytes = store.readSector(hash)
    if (bytes !== undefined) sectors.push({ reference: hash.slice(), bytes: bytes.slice() })
  }
  return sectors
}

function birthsOf(tree: TreeState): readonly Uint8Array[] {
  const zones = new Map<string, Uint8Array>()
  for (const record of tree.authorityRecords()) {
    if (!('zone' in record.body) || record.body.zone === undefined) continue
    const birth = tree.zoneBirth(record.body.zone)
    if (birth !== undefined) zones.set(record.body.zone.toHex(), birth)
  }
  return [...zones.values()]
}

function shuffle(records: readonly Held[], random: SeededRandom): readonly Held[] {
  const repeated = [...records, ...records.filter(() => random.chance(0.2))]
  return repeated
    .map((held) => ({ held, place: random.number() }))
    .toSorted((left, right) => left.place - right.place)
    .map(({ held }) => held)
}

/** @returns what was not taken */
async function offerAll(
  tree: TreeState,
  records: readonly Held[],
  births: readonly Uint8Array[]
): Promise<string | undefined> {
  for (let at = 0; at < records.length; at += batchMax) {
    const batch = records.slice(at, at + batchMax)
    const sectors = batch.flatMap((held) => held.sectors)
    const results = await tree.offer(
      { records: batch.map(({ bytes }) => ({ bytes })), births, sectors },
      { peer: 'order', from: 'host' }
    )
    const refused = results.find(({ outcome }) => outcome === 'refused')
    if (refused !== undefined) return `${refused.id?.toHex() ?? ''} was refused: ${refused.message ?? ''}`
  }
  await tree.settled()
  return tree.parked.records === 0 ? undefined : `${tree.parked.records} records still wait`
}

async function compare(
  rootBlock: Uint8Array,
  tree: TreeState,
  copy: TreeState,
  crypto: CryptoProvider
): Promise<readonly Violation[]> {
  const [expected, found] = [
    await summaryOfTree(tree, crypto, rootBlock),
    await summaryOfTree(copy, crypto, rootBlock)
  ]
  if (expected === found) return []
  const lines = new Set(found.split('\n'))
  const what = expected.split('\n').find((line) => !lines.has(line)) ?? 'more than the node holds'
  return [{ rule, what }]
}
