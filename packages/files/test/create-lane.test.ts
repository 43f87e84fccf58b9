/** Creation of many files at once: what another thread sealed is committed as if it had been made in place, or made in place. */
import { createMemoryStore } from '@blocktree/tree/memory'
import { type BlockStore, createEpoch, createRevocation, issueCap, newFileRows, right } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import {
  type Actor,
  type FileSealer,
  type SealedBatch,
  type SealingBatch,
  buildFileRecords
} from '../src/index.ts'
import { type Fixture, crypto, grantZone, newFixture, newPrincipal } from './files-fixture.ts'

const nameSecret = new Uint8Array(32).fill(7)

/** Seals in this thread, after whatever a test lets happen meanwhile. */
class TestSealer implements FileSealer {
  readonly sealed: number[] = []
  meanwhile: () => unknown = () => undefined
  append: (batch: Parameters<BlockStore['commit']>[0]) => Promise<void>

  constructor(store: BlockStore) {
    this.append = (batch) => store.commit(batch)
  }

  async seal(actor: Actor, { target, files, sectorLog2 }: SealingBatch): Promise<SealedBatch> {
    const deps = { crypto, random: crypto.random }
    const made = files.map(({ name, bytes, modifiedMs }) => {
      const metadata = { modifiedMs, mode: undefined, mediaType: undefined, attributes: [] }
      const recipe = { name, bytes, metadata, kind: 'file' as const, sectorLog2 }
      return buildFileRecords(deps, actor.signer, nameSecret, target, recipe)
    })
    await this.meanwhile()
    const [first] = made
    if (first === undefined) throw new Error('a batch has files')
    this.sealed.push(files.length)
    return {
      sample: first.header,
      blocks: new Uint8Array(Buffer.concat(made.map(({ block }) => block))),
      records: new Uint8Array(Buffer.concat(made.map(({ header }) => header.id))),
      append: (rows) =>
        this.append({
          records: made.map(({ header: { id, type, bytes }, inline }) => ({ id, type, bytes, inline })),
          rows: [
            ...made.flatMap(({ header, nameKey }) =>
              newFileRows(header, { zone: target.zone, directory: target.directory, nameKey })
            ),
            ...rows
          ]
        })
    }
  }
}

interface Lane extends Fixture {
  readonly sealer: TestSealer
}

async function newLane(): Promise<Lane> {
  const store = createMemoryStore()
  const sealer = new TestSealer(store)
  const fixture = await newFixture({ store, sealer })
  await fixture.files.makeDirectory(fixture.actor, '/d')
  await fixture.files.create(fixture.actor, '/d/first', Uint8Array.of(1)) // its directory is known from now on
  return { ...fixture, sealer }
}

function contentOf(index: number): Uint8Array {
  return new Uint8Array(1 + ((index * 97) % 4096)).fill(index + 1)
}

/** All at once; how each ended: its reply, or the code of its error. */
function createAll(
  { files, actor }: Lane,
  count: number,
  pathOf = (index: number): string => `/d/file-${index}`
): Promise<readonly unknown[]> {
  const asked = Array.from({ length: count }, (_, index) =>
    files
      .create(actor, pathOf(index), contentOf(index))
      .catch((error: unknown) => (error instanceof Error && 'code' in error ? error.code : error))
  )
  return Promise.all(asked)
}

async function namesIn({ files, actor }: Lane, path: string): Promise<readonly string[]> {
  const { entries } = await files.list(actor, path, { limit: 1000 })
  return entries.map(({ name }) => name).toSorted()
}

describe('many creations at once', () => {
  test('are sealed elsewhere and are there as if they had been made in place', async () => {
    const lane = await newLane()
    const replies = await createAll(lane, 40)
    expect(lane.sealer.sealed).toEqual([32])
    for (let index = 0; index < 40; index++) {
      const entry = lane.files.stat(lane.actor, `/d/file-${index}`)
      expect(replies[index]).toMatchObject({ block: entry.block, versionId: entry.versionId, exposed: [] })
      expect(lane.files.read(lane.actor, `/d/file-${index}`).bytes).toEqual(contentOf(index))
    }
    expect((await namesIn(lane, '/d')).length).toBe(41)
    expect(lane.tree.statistics()).toMatchObject({ conflicts: 0, live: 43 })
    expect(await Array.fromAsync(lane.tree.verifyAll())).toEqual([])
  })

  test('are made in place while they are few, large, empty, or ask for more than a plain file', async () => {
    const lane = await newLane()
    await createAll(lane, 8)
    const { files, actor } = lane
    const others = Array.from({ length: 24 }, (_, index) => {
      const path = `/d/other-${index}`
      if (index % 3 === 0) return files.create(actor, path, new Uint8Array(5000))
      if (index % 3 === 1) return files.create(actor, path, new Uint8Array(0))
      return files.create(actor, path, Uint8Array.of(1), { metadata: { mode: 0o600 } })
    })
    await Promise.all(others)
    expect(lane.sealer.sealed).toEqual([])
    expect((await namesIn(lane, '/d')).length).toBe(33)
  })

  test('of one name: exactly one wins', async () => {
    const lane = await newLane()
    const ended = await createAll(lane, 60, (index) => `/d/file-${index % 20}`)
    expect(ended.filter((answer) => answer === 'ERR_FILE_EXISTS').length).toBe(40)
    expect((await namesIn(lane, '/d')).length).toBe(21)
    expect(lane.tree.statistics().conflicts).toBe(0)
  })

  test('give way to a name that was taken while they were sealed', async () => {
    const lane = await newLane()
    lane.sealer.meanwhile = async () => {
      lane.sealer.meanwhile = () => undefined
      await lane.files.makeDirectory(lane.actor, '/d/file-20')
    }
    const ended = await createAll(lane, 40)
    expect(ended.flatMap((answer, index) => (answer === 'ERR_FILE_EXISTS' ? [index] : []))).toEqual([20])
    expect(lane.files.read(lane.actor, '/d/file-21').bytes).toEqual(contentOf(21))
  })

  test('do not follow a directory that was moved or removed while they were sealed', async () => {
    const moved = await newLane()
    moved.sealer.meanwhile = () => moved.files.move(moved.actor, '/d', '/elsewhere')
    const ended = await createAll(moved, 40)
    expect(ended.slice(10).every((answer) => answer === 'ERR_FILE_NOT_FOUND')).toBe(true)
    const removed = await newLane()
    removed.sealer.meanwhile = () => removed.files.remove(removed.actor, '/d', { recursive: true })
    expect((await createAll(removed, 40)).slice(10).every((answer) => answer === 'ERR_FILE_NOT_FOUND')).toBe(
      true
    )
  })

  test('are refused under a cap that was revoked while they were sealed', async () => {
    const lane = await newLane()
    const { tree, root, treeId, rootBlock, rootEpoch } = lane
    const writer = newPrincipal()
    const cap = issueCap(crypto, root, {
      ...lane.nodeCap.body,
      subject: writer.id,
      rights: right.create,
      nonce: crypto.random.bytes(16)
    })
    await tree.commitLocal({ records: [{ record: writer.record }, { record: cap }] })
    await grantZone(lane, writer, rootBlock, { record: { id: rootEpoch.id }, key: rootEpoch.key })
    const revocation = { tree: treeId, target: cap.id, by: undefined, cuts: [], reason: 0 }
    const record = createRevocation(crypto, root, revocation)
    lane.sealer.meanwhile = () => tree.commitLocal({ records: [{ record }] })
    const ended = await createAll({ ...lane, actor: lane.files.actor(writer) }, 40)
    expect(lane.sealer.sealed).toEqual([32])
    expect(ended.filter((answer) => answer === 'ERR_ACCESS_DENIED').length).toBe(32)
    await tree.settled()
    expect(await namesIn(lane, '/d')).toEqual(['first'])
  })

  test('are sealed anew under a key that was changed while they were sealed', async () => {
    const lane = await newLane()
    const { tree, root, treeId, node } = lane
    const zone = lane.files.stat(lane.actor, '/d').block // a directory of the root is a zone of its own
    const before = lane.actor.writeKey(zone)
    if (before === undefined) throw new Error('the node writes there')
    const previous = [{ id: before.epoch, number: 1, key: before.key }]
    const draft = { tree: treeId, zone, previous, inherit: undefined, cap: undefined }
    const epoch = createEpoch({ crypto, random: crypto.random }, root, draft)
    lane.sealer.meanwhile = async () => {
      await tree.commitLocal({ records: [{ record: epoch.record }] })
      await grantZone(lane, node, zone, epoch)
    }
    await createAll(lane, 40)
    const { versionId } = lane.files.stat(lane.actor, '/d/file-30')
    expect(tree.header(versionId)?.body.epoch).toEqual(epoch.record.id)
    expect(lane.files.read(lane.actor, '/d/file-30').bytes).toEqual(contentOf(30))
  })

  test('are made in place when the other thread cannot', async () => {
    const lane = await newLane()
    lane.sealer.meanwhile = () => Promise.reject(new Error('the thread ended'))
    await createAll(lane, 40)
    expect(lane.sealer.sealed).toEqual([])
    expect((await namesIn(lane, '/d')).length).toBe(41)
  })

  test('are refused and gone when the store refuses them', async () => {
    const lane = await newLane()
    const refusal = Object.assign(new Error('no room'), { code: 'ERR_STORE_FULL' })
    lane.sealer.append = () => Promise.reject(refusal)
    const ended = await createAll(lane, 40)
    expect(ended.filter((answer) => answer === 'ERR_STORE_FULL').length).toBe(32)
    expect((await namesIn(lane, '/d')).length).toBe(9)
    lane.sealer.append = (batch) => lane.store.commit(batch)
    const again = await createAll(lane, 40)
    expect(again.filter((answer) => answer === 'ERR_FILE_EXISTS').length).toBe(8)
    expect((await namesIn(lane, '/d')).length).toBe(41)
  })
})
