/**
 * The summary that is kept in memory is always that of the rows, whatever wrote them and in whatever order things came:
 * versions, forks, removals, burials, bases, revocations and receipts, manifests after or before what rests on them, a
 * prune in between, questions at any moment.
 */
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import {
  type AnyRecord,
  type BlockStore,
  type CheckpointRecord,
  type HeaderRecord,
  type Id,
  type StoredSector,
  type TreeState,
  authorityRoot,
  createTreeState,
  listReferences,
  makeCheckpoint
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ScopeSummaries, Summaries } from '../src/summaries.ts'
import { seededNumbers } from './replicas.ts'
import { type Author, Fixture, type Place, crypto } from './tree-fixture.ts'

const runs = process.env['SLOW'] === '1' ? 1000 : 10
const top = new Uint8Array(0)

interface Holder {
  readonly tree: TreeState
  readonly store: BlockStore
}

async function holder(store: BlockStore = createMemoryStore()): Promise<Holder> {
  return { store, tree: await createTreeState({ store, crypto, clock: { now: () => 0 } }) }
}

async function take({ tree, store }: Holder, { records, sectors }: Arrival): Promise<void> {
  if (sectors.length > 0) await store.commit({ sectors })
  const offer = { records: records.map(({ bytes }) => ({ bytes })) }
  await tree.offer(offer, { peer: 'test', from: 'host' })
}

/** What comes at one time. */
interface Arrival {
  readonly records: readonly AnyRecord[]
  readonly sectors: readonly StoredSector[]
}

function sectorsOf({ store }: Holder, { body: { manifest } }: CheckpointRecord): readonly StoredSector[] {
  if (manifest.size === 0) return []
  const read = (id: Id): Uint8Array | undefined => store.readSector(id)
  return [...listReferences(manifest, read, { onMissing: () => undefined })].flatMap(({ hash }) => {
    const bytes = store.readSector(hash)
    return bytes === undefined ? [] : [{ reference: hash.slice(), bytes: bytes.slice() }]
  })
}

/** The root's node, which writes what the others get. */
class Maker {
  readonly fixture: Fixture
  readonly held: Holder
  readonly arrivals: Arrival[] = []
  readonly #below: (max: number) => number
  readonly #people: Author[]
  readonly #blocks: { readonly place: Place; readonly versions: HeaderRecord[] }[] = []
  readonly #checkpoints: { readonly record: CheckpointRecord; readonly graves: readonly Id[] }[] = []

  constructor(fixture: Fixture, held: Holder, below: (max: number) => number) {
    this.fixture = fixture
    this.held = held
    this.#below = below
    const cap = (name: string): Author => fixture.cap(fixture.root, name, fixture.rootPlace)
    this.#people = [fixture.root, cap('alice'), cap('bob')]
  }

  async act(): Promise<void> {
    const { fixture } = this
    const from = fixture.records.length
    const author = this.#people[this.#below(this.#people.length)] ?? fixture.root
    const known = this.#blocks[this.#below(this.#blocks.length)]
    const choice = this.#below(24)
    if (choice < 5 || known === undefined) {
      const { place, first } = fixture.create(author, fixture.rootPlace)
      this.#blocks.push({ place, versions: [first] })
    } else if (choice < 14) {
      const prev = known.versions.at(-1 - this.#below(Math.min(3, known.versions.length)))
      const deleted = this.#below(3) === 0
      if (prev !== undefined)
        known.versions.push(fixture.write(author, known.place, { prev: [prev], deleted }))
    } else if (choice < 15) fixture.receipt(fixture.root, fixture.rootPlace, known.versions.slice(-1), 1000)
    else if (choice < 16) {
      const [gone] = this.#people.splice(2, 1)
      const anchor = this.#checkpoints[this.#below(this.#checkpoints.length)]?.record
      const cuts = anchor === undefined ? [] : [{ zone: fixture.rootPlace.block, checkpoint: anchor.id }]
      if (gone !== undefined) fixture.revoke(fixture.root, gone, cuts)
    } else return await this.#checkpoint()
    await this.#keep({ records: fixture.records.slice(from), sectors: [] })
  }

  /** By one of several devices: it may not know the last checkpoint of another one. */
  async #checkpoint(): Promise<void> {
    const { tree, store } = this.held
    const zone = this.fixture.rootPlace.block
    const before = this.#checkpoints.at(-1 - (this.#below(8) === 0 ? 1 : 0))
    const bases = before === undefined ? [] : this.#ancestors(before.record)
    const base = bases.length > 0 && this.#below(2) === 0 ? bases[this.#below(bases.length)] : undefined
    const removed = this.#blocks
      .map(({ place }) => place.block)
      .filter((block) => tree.blockSummary(block)?.deleted === true && this.#below(2) === 0)
    const graves = [...new Set([...(before?.graves ?? []), ...removed].map((id) => id.toHex()))]
      .toSorted()
      .map((hex) => Uint8Array.fromHex(hex))
    const random = createSeededRandom('checkpoint')
    const deps = { tree, store, crypto, random, clock: { now: () => 0 } }
    const record = await makeCheckpoint(deps, this.fixture.root.principal, {
      zone,
      cap: undefined,
      previous: before === undefined ? [] : [before.record],
      authorityRoot: authorityRoot(tree, crypto),
      graves,
      ...(base === undefined ? {} : { base: base.id })
    })
    this.#checkpoints.push({ record, graves })
    await this.#keep({ records: [record], sectors: sectorsOf(this.held, record) })
  }

  #ancestors(checkpoint: CheckpointRecord): readonly CheckpointRecord[] {
    const found = [checkpoint]
    for (const { body } of found)
      for (const id of body.prev) {
        const before = this.#checkpoints.find(({ record }) => record.id.toHex() === id.toHex())?.record
        if (before !== undefined) found.push(before)
      }
    return found
  }

  async #keep(made: Arrival): Promise<void> {
    await take(this.held, made)
    await this.held.tree.settled()
    this.arrivals.push({ records: made.records, sectors: [] })
    if (made.sectors.length > 0) this.arrivals.push({ records: [], sectors: made.sectors })
  }
}

/** What is kept in memory is what the rows say, and rows say what the records held say. */
async function expectTrue({ tree }: Holder, summaries: ScopeSummaries): Promise<void> {
  await tree.settled()
  expect(await summaries.headers.verify(top)).toEqual([])
  expect(await summaries.authority.verify(top)).toEqual([])
  expect(await summaries.receipts.verify(top)).toEqual([])
  for await (const { block, incomplete } of tree.blockTips({ from: top }))
    expect([block.toHex(), incomplete]).toEqual([block.toHex(), tree.missingOf(block).length > 0])
}

async function follow(seed: number): Promise<void> {
  const random = seededNumbers(seed)
  const below = (max: number): number => Math.floor(random() * max)
  const fixture = new Fixture(`rows ${seed}`)
  const maker = new Maker(fixture, await holder(), below)
  await take(maker.held, { records: fixture.records, sectors: [] })
  const follower = await holder()
  await take(follower, { records: fixture.records, sectors: [] })
  for (let step = 0; step < 50; step++) await maker.act()
  const own = await followed(follower, fixture)
  const left = [...maker.arrivals]
  while (left.length > 0) {
    // mostly in order; what lies far behind comes late, again, or after what rests on it
    const [next] = left.splice(below(Math.min(left.length, below(4) === 0 ? 40 : 3)), 1)
    const coming = next === undefined ? Promise.resolve() : take(follower, next)
    if (below(2) === 0) await own.headers.node(top)
    await coming
    if (below(3) === 0) await own.headers.node(top)
    if (below(10) === 0) await follower.tree.prune(fixture.rootPlace.block)
    if (below(3) === 0) await expectTrue(follower, own)
  }
  await expectTrue(follower, own)
}

/** A summary of all that this node holds, which follows it. */
async function followed({ tree }: Holder, { rootPlace }: Fixture): Promise<ScopeSummaries> {
  const summaries = new Summaries(tree, crypto)
  tree.onTaken((taken) => summaries.take(taken))
  tree.onBlockRows((blocks) => summaries.markBlocks(blocks))
  const own = summaries.of([rootPlace.block])
  await own.headers.node(top)
  return own
}

describe('the summary in memory', () => {
  test('leaves out what a base buries as soon as its list comes, be it last of all', async () => {
    const fixture = new Fixture('list last')
    const [maker, follower] = [await holder(), await holder()]
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    fixture.write(fixture.root, place, { prev: [first], deleted: true })
    for (const node of [maker, follower]) await take(node, { records: fixture.records, sectors: [] })
    const zone = fixture.rootPlace.block
    const checkpoint = async (graves: readonly Id[], base?: CheckpointRecord): Promise<CheckpointRecord> => {
      const { tree, store } = maker
      const deps = { tree, store, crypto, random: createSeededRandom('c'), clock: { now: () => 0 } }
      const record = await makeCheckpoint(deps, fixture.root.principal, {
        zone,
        cap: undefined,
        previous: tree.anchors(zone),
        authorityRoot: authorityRoot(tree, crypto),
        graves,
        ...(base === undefined ? {} : { base: base.id })
      })
      await take(maker, { records: [record], sectors: [] })
      await tree.settled()
      return record
    }
    const before = await checkpoint([])
    const burial = await checkpoint([place.block])
    const { first: other } = fixture.create(fixture.root, fixture.rootPlace)
    for (const node of [maker, follower]) await take(node, { records: [other], sectors: [] })
    const after = await checkpoint([place.block], burial)
    const own = await followed(follower, fixture)
    const lists = [before, after].flatMap((record) => sectorsOf(maker, record))
    await take(follower, { records: [before, burial, after], sectors: lists })
    await expectTrue(follower, own)
    const keys = async (): Promise<readonly string[]> =>
      (await own.headers.rows(top)).map(({ key }) => key.toHex())
    expect(await keys()).toContain(place.block.toHex())
    expect(follower.tree.bases(zone).map(({ id }) => id)).toEqual([burial.id])
    await take(follower, { records: [], sectors: sectorsOf(maker, burial) })
    await expectTrue(follower, own)
    expect(await keys()).not.toContain(place.block.toHex())
    expect((await own.headers.node(top)).count).toBe((await own.headers.rows(top)).length)
  })

  test(
    'is that of the rows after anything that writes them, in any order',
    { timeout: 600_000 },
    async () => {
      await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), follow), {
        numRuns: runs,
        endOnFailure: true
      })
    }
  )
})
