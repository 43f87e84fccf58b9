/** Which nodes keep what: copies, members that end, liars, a bounded cache, and the last copy. */
import { afterEach, describe, expect, test } from 'vitest'
import { type HeaderRecord, type Id, onDemandEndpoint, recordType } from '@blocktree/tree'
import { type Cluster, give, startCluster } from './cluster.ts'
import { partsOf } from '../src/payload-parts.ts'
import { type NodeOptions, type ReplicaNode, seededNumbers } from './replicas.ts'

let open: Cluster | undefined

afterEach(async () => {
  await open?.replicas.close()
  open = undefined
})

const fileBytes = 10_000

/** So many files in a tree whose root asks for so many copies; the first node holds them. */
async function withCopies(
  seed: string,
  nodes: number,
  copies: number,
  options: { readonly files?: number; readonly node?: NodeOptions } = {}
): Promise<{ cluster: Cluster; files: readonly HeaderRecord[] }> {
  open = await startCluster(seed, nodes, { blocks: 0, ...(options.node && { node: options.node }) })
  const { fixture, node } = open
  const rootHeader = fixture.records.find(
    (record): record is HeaderRecord => record.type === recordType.header
  )
  if (rootHeader === undefined) throw new Error('no root header')
  fixture.write(fixture.root, fixture.rootPlace, {
    prev: [rootHeader],
    policy: { kind: 'copies', copies }
  })
  const files = Array.from({ length: options.files ?? 12 }, (_, index) => newFile(open, index))
  await node(0).sync.policySet()
  await give(node(0), fixture)
  return { cluster: open, files }
}

function newFile(cluster: Cluster | undefined, index: number, length = fileBytes): HeaderRecord {
  if (cluster === undefined) throw new Error('no cluster')
  const next = seededNumbers(index + 1)
  const content = Uint8Array.from({ length }, () => Math.floor(next() * 256))
  return cluster.fixture.create(cluster.fixture.root, cluster.fixture.rootPlace, { content }).first
}

function keepersAmong(nodes: readonly ReplicaNode[], { id }: HeaderRecord): readonly string[] {
  return nodes.filter(({ sync }) => sync.placeOf(id) === 'kept').map(({ name }) => name)
}

/** Lets time pass until it is so; at most an hour. */
async function until({ replicas }: Cluster, isSo: () => boolean): Promise<void> {
  const end = replicas.time.now() + 3_600_000
  while (!isSo()) {
    if (replicas.time.now() > end) {
      const states = [...replicas.nodes.values()].map(({ name, sync, notes }) => ({
        name,
        contents: sync.status.contents,
        notes: notes.slice(-4)
      }))
      throw new Error(`it did not become so: ${JSON.stringify(states)}`)
    }
    await replicas.time.advance(500)
  }
}

async function readAt(cluster: Cluster, node: ReplicaNode, id: Id): Promise<boolean> {
  if (!node.sync.isMissing(id)) return true
  const end = new AbortController()
  const cancel = cluster.replicas.time.start(30_000, () => end.abort())
  const isRead = await cluster.replicas.time.until(node.sync.fetchPayload(id, end.signal))
  cancel()
  return isRead
}

describe('policies', () => {
  test('of a directory around others hold in them from then on', async () => {
    open = await startCluster('nested', 2, { blocks: 0 })
    const { fixture, node } = open
    const around = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const inner = fixture.create(fixture.root, around.place, { zoneRoot: true })
    const on = fixture.write(fixture.root, around.place, {
      prev: [around.first],
      policy: { kind: 'on demand' }
    })
    const content = new Uint8Array(fileBytes).fill(7)
    const { first } = fixture.create(fixture.root, inner.place, { content })
    await node(1).sync.policySet()
    await give(node(1), fixture)
    await node(1).sync.review()
    expect(node(1).sync.status.contents.count).toMatchObject({ surplus: 1 })
    const all = fixture.write(fixture.root, around.place, { prev: [on], policy: { kind: 'all' } })
    await give(node(1), fixture, [all])
    await node(1).sync.review()
    expect(node(1).sync.placeOf(first.id)).toBe('kept')
    expect(node(1).sync.status.contents.count).toMatchObject({ kept: 1, surplus: 0 })
  })
})

describe('copies', () => {
  test('of each file so many nodes keep one, each file other ones, and who wrote it lets go only then', async () => {
    const { cluster, files } = await withCopies('copies', 4, 2)
    await cluster.replicas.connectAll()
    await cluster.replicas.converge()
    await until(cluster, () => files.every((file) => keepersAmong(cluster.nodes, file).length === 2))
    const pairs = new Set(files.map((file) => keepersAmong(cluster.nodes, file).join()))
    expect(pairs.size).toBeGreaterThan(2)
    await until(cluster, () =>
      cluster.nodes.every(({ sync }) => sync.status.contents.count?.underReplicated === 0)
    )
    const counts = cluster.nodes.map(({ sync }) => sync.status.contents.count)
    expect(counts.reduce((sum, count) => sum + (count?.kept ?? 0), 0)).toBe(2 * files.length)
    expect(counts.map((count) => [count?.missing, count?.surplus])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0]
    ])
  })

  test('a node that is alone keeps everything, and says that copies are missing', async () => {
    const { cluster, files } = await withCopies('alone', 3, 2)
    await until(cluster, () => cluster.node(0).sync.status.contents.count !== undefined)
    expect(files.every(({ id }) => cluster.node(0).sync.placeOf(id) === 'kept')).toBe(true)
    const { surplus = 0, underReplicated = 0 } = cluster.node(0).sync.status.contents.count ?? {}
    expect(surplus + underReplicated).toBe(files.length)
  })

  test('when a member is removed, others make its copies', async () => {
    const { cluster, files } = await withCopies('removed', 4, 2)
    const { fixture, replicas, node, author } = cluster
    await replicas.connectAll()
    await replicas.converge()
    await until(cluster, () => files.every((file) => keepersAmong(cluster.nodes, file).length === 2))
    for (const connection of node(3).connections) void connection.close('it burnt down')
    await replicas.time.advance(100)
    const rest = [node(0), node(1), node(2)]
    expect(files.some((file) => keepersAmong(rest, file).length < 2)).toBe(true)
    await give(node(0), fixture, [fixture.revoke(fixture.root, author(3))])
    await until(cluster, () => files.every((file) => keepersAmong(rest, file).length === 2))
    const kept = files.find(({ id }) => node(0).sync.placeOf(id) === 'kept')
    if (kept === undefined) throw new Error('nothing is kept')
    const waiting = node(0).sync.waitFor([kept.id], { copies: 2, timeoutMs: 10_000 })
    expect(await replicas.time.until(waiting)).toMatchObject({ kept: 2, of: 3 })
  })

  test('when a member is away for long, others make its copies, and it lets them go when it is back', async () => {
    const { cluster, files } = await withCopies('away', 3, 2, { node: { absentMs: 600_000 } })
    const { replicas, node } = cluster
    await replicas.connectAll()
    await replicas.converge()
    await until(cluster, () => files.every((file) => keepersAmong(cluster.nodes, file).length === 2))
    for (const connection of node(2).connections) void connection.close('holidays')
    const rest = [node(0), node(1)]
    await replicas.time.advance(300_000)
    expect(files.some((file) => keepersAmong(rest, file).length < 2)).toBe(true)
    await replicas.time.advance(4_500_000)
    expect(files.every((file) => keepersAmong(rest, file).length === 2)).toBe(true)
    await replicas.connect(node(2), node(0))
    await replicas.connect(node(2), node(1))
    await replicas.time.advance(4_500_000)
    expect(files.every((file) => keepersAmong(cluster.nodes, file).length === 2)).toBe(true)
  })

  test('a member that never has what it should keep is passed over', async () => {
    const { cluster, files } = await withCopies('full', 3, 2, { files: 6 })
    const { node, replicas } = cluster
    node(2).store.hasSector = () => false // as on a disk that takes nothing
    await replicas.connectAll()
    await replicas.converge()
    const rest = [node(0), node(1)]
    await until(cluster, () => files.every((file) => keepersAmong(rest, file).length === 2))
  })

  test('what a holder says it does not keep any more counts for nothing, and is not let go elsewhere', async () => {
    const { cluster, files } = await withCopies('retracted', 2, 2, { files: 6 })
    const { fixture, node, replicas } = cluster
    await replicas.connectAll()
    await replicas.converge()
    const ids = files.map(({ id }) => id)
    const waiting = node(0).sync.waitFor(ids, { copies: 2, timeoutMs: 20_000 })
    expect(await replicas.time.until(waiting)).toMatchObject({ kept: 2 })
    node(1).store.hasSector = () => false
    const headers = fixture.records.filter((record) => record.type === recordType.header)
    const [newest] = headers.filter(({ body }) => body.birth.parent === undefined).slice(-1)
    if (newest === undefined) throw new Error('no root header')
    const policy = { kind: 'copies', copies: 1 } as const
    await give(node(0), fixture, [fixture.write(fixture.root, fixture.rootPlace, { prev: [newest], policy })])
    // one of the two should keep each file alone; where it is the other one, it is asked first
    await until(cluster, () => (node(0).sync.status.contents.count?.surplus ?? 0) > 0)
    await replicas.time.advance(20_000)
    const states = await Promise.all(ids.map((id) => node(0).sync.promises(id)))
    expect(states.some((promised) => promised.length === 0)).toBe(true)
    expect(ids.every((id) => node(0).sync.placeOf(id) === 'kept')).toBe(true)
  })

  test('a holder that cannot prove what it promised stops counting, and the next one makes a copy', async () => {
    const { cluster, files } = await withCopies('liar', 3, 2)
    const { replicas, nodes } = cluster
    await replicas.connectAll()
    await replicas.converge()
    await until(cluster, () => nodes.every(({ sync }) => sync.status.contents.count?.underReplicated === 0))
    const [file] = files
    if (file === undefined) throw new Error('no file')
    const [honest, liar] = nodes.filter(({ sync }) => sync.placeOf(file.id) === 'kept')
    const third = nodes.find((one) => one !== honest && one !== liar)
    if (honest === undefined || liar === undefined || third === undefined) throw new Error('no keepers')
    expect(third.sync.placeOf(file.id)).not.toBe('kept')
    const bytes = liar.store.readSector.bind(liar.store)
    const { payload } = file.body
    const parts = new Set(payload === undefined ? [] : partsOf(liar.store, payload).map((id) => id.toHex()))
    // the liar claims to have them and has not
    liar.store.readSector = (id) => (parts.has(id.toHex()) ? undefined : bytes(id))
    const scrubbed = honest.sync.scrub({ signal: new AbortController().signal })
    expect((await replicas.time.until(scrubbed)).failed).toBeGreaterThan(0)
    await until(cluster, () => third.sync.placeOf(file.id) === 'kept')
    const promised = await honest.sync.promises(file.id)
    expect(promised.find(({ holder }) => holder.toHex() === liar.principal.id.toHex())?.state).toBe('failed')
  })
})

describe('a node that keeps on demand', () => {
  async function withLaptop(seed: string, cacheBytes: number): ReturnType<typeof withCopies> {
    const { cluster, files } = await withCopies(seed, 3, 2)
    const { fixture, replicas, node } = cluster
    const author = fixture.cap(fixture.root, 'laptop', fixture.rootPlace)
    fixture.endpoint(author, onDemandEndpoint())
    await give(node(0), fixture)
    await replicas.add('laptop', author, { policy: 'on demand', cacheBytes })
    await replicas.connectAll()
    await replicas.converge()
    const keepers = cluster.nodes
    await until(cluster, () => files.every((file) => keepersAmong(keepers, file).length === 2))
    return { cluster, files }
  }

  test('keeps nothing for others, and reads everything through a small cache', async () => {
    const { cluster, files } = await withLaptop('laptop', 3 * fileBytes)
    const laptop = cluster.replicas.nodes.get('laptop')
    if (laptop === undefined) throw new Error('no laptop')
    expect(files.every(({ id }) => laptop.sync.placeOf(id) === 'absent')).toBe(true)
    for (const round of [1, 2]) {
      for (const { id } of files) expect([round, await readAt(cluster, laptop, id)]).toEqual([round, true])
      await until(cluster, () => laptop.sync.status.contents.cachedBytes <= 3 * fileBytes)
    }
    expect(files.filter(({ id }) => laptop.sync.placeOf(id) === 'cached').length).toBeLessThanOrEqual(3)
    expect(files.every((file) => keepersAmong(cluster.nodes, file).length === 2)).toBe(true)
  })

  test('fetches the parts that are read alone, counts them in its cache, and lets them go', async () => {
    const { cluster } = await withLaptop('parts', 100_000)
    const { replicas, fixture, node, nodes } = cluster
    const laptop = replicas.nodes.get('laptop')
    if (laptop === undefined) throw new Error('no laptop')
    const large = newFile(cluster, 100, 1_500_000) // 367 sectors below two nodes and a root
    await give(node(0), fixture, [large])
    await until(cluster, () => keepersAmong(nodes, large).length === 2)
    await replicas.converge()
    const read = async (offset: number, length: number): Promise<boolean> => {
      const range = { offset, length }
      if (!laptop.sync.isMissing(large.id, range)) return true
      return await replicas.time.until(laptop.sync.fetchRange(large.id, range, new AbortController().signal))
    }
    const cachedBytes = (): number => laptop.sync.status.contents.cachedBytes
    const before = laptop.sync.status.sectorBytesReceived
    expect(await read(1_400_000, 1)).toBe(true)
    const bytesReceived = laptop.sync.status.sectorBytesReceived
    expect(bytesReceived - before).toBeLessThan(40_000)
    expect(cachedBytes()).toBe(bytesReceived - before)
    expect(laptop.sync.isMissing(large.id, { offset: 1_400_000, length: 1 })).toBe(false)
    expect(laptop.sync.isMissing(large.id, { offset: 0, length: 1 })).toBe(true)
    expect(laptop.sync.isMissing(large.id)).toBe(true)
    expect(laptop.sync.placeOf(large.id)).toBe('absent') // it promises nothing
    // read whole, piece by piece: what is here counts, and goes when nobody reads any more
    for (let offset = 0; offset < 1_500_000; offset += 100_000) {
      expect(await read(offset, 100_000)).toBe(true)
      await replicas.time.advance(2000)
    }
    await until(cluster, () => cachedBytes() <= 100_000)
    expect(keepersAmong(nodes, large)).toHaveLength(2)
    // and whole at last, when that is asked for
    expect(await readAt(cluster, laptop, large.id)).toBe(true)
    expect(laptop.sync.isMissing(large.id)).toBe(false)
  })

  test('lets go what was too much for its cache as soon as it is read no longer', async () => {
    const { cluster, files } = await withLaptop('held', 2 * fileBytes)
    const laptop = cluster.replicas.nodes.get('laptop')
    if (laptop === undefined) throw new Error('no laptop')
    const { time } = cluster.replicas
    const read = files.slice(0, 4)
    const ends = read.map(({ id }) => laptop.sync.hold(id))
    for (const { id } of read) {
      expect(await time.until(laptop.sync.fetchPayload(id, new AbortController().signal))).toBe(true)
    }
    await time.advance(600_000) // a review that finds nothing to let go waits longer and longer for the next
    expect(laptop.sync.status.contents.cachedBytes).toBeGreaterThanOrEqual(4 * fileBytes)
    for (const end of ends) end()
    await time.advance(1000)
    expect(laptop.sync.status.contents.cachedBytes).toBeLessThanOrEqual(2 * fileBytes)
  })

  test('asks another one for a part that a peer lied about', async () => {
    const { cluster, files } = await withLaptop('lied', 1_000_000)
    const laptop = cluster.replicas.nodes.get('laptop')
    const [file] = files
    if (laptop === undefined || file === undefined) throw new Error('no laptop')
    const [liar] = cluster.nodes.filter(({ sync }) => sync.placeOf(file.id) === 'kept')
    const payload = file.body.payload
    if (liar === undefined || payload === undefined) throw new Error('no keeper')
    const read = liar.store.readSector.bind(liar.store)
    const last = partsOf(liar.store, payload).at(-1)?.toHex()
    liar.store.readSector = (id) => (id.toHex() === last ? new Uint8Array(100) : read(id))
    const range = { offset: fileBytes - 1, length: 1 }
    const fetched = laptop.sync.fetchRange(file.id, range, new AbortController().signal)
    expect(await cluster.replicas.time.until(fetched)).toBe(true)
    expect(laptop.sync.isMissing(file.id, range)).toBe(false)
    expect(laptop.sync.isMissing(file.id)).toBe(true)
    // nobody gives what no peer has
    await cluster.replicas.disconnectAll()
    const end = new AbortController()
    cluster.replicas.time.start(5000, () => end.abort())
    const other = laptop.sync.fetchRange(file.id, { offset: 0, length: 1 }, end.signal)
    expect(await cluster.replicas.time.until(other)).toBe(false)
  })

  test('is never counted among those who keep something', async () => {
    const { cluster, files } = await withLaptop('uncounted', 1_000_000)
    const laptop = cluster.replicas.nodes.get('laptop')
    const [file] = files
    if (laptop === undefined || file === undefined) throw new Error('no laptop')
    await readAt(cluster, laptop, file.id)
    const keeper = cluster.nodes.find(({ sync }) => sync.placeOf(file.id) === 'kept') ?? laptop
    const waiting = keeper.sync.waitFor([file.id], { copies: 3, timeoutMs: 3000 })
    expect(await cluster.replicas.time.until(waiting)).toMatchObject({ kept: 2, of: 3 })
  })

  test('lets nothing go that nobody else has any more', async () => {
    const { cluster, files } = await withLaptop('last', fileBytes)
    const laptop = cluster.replicas.nodes.get('laptop')
    if (laptop === undefined) throw new Error('no laptop')
    await cluster.replicas.disconnectAll()
    const mine = [newFile(cluster, 100), newFile(cluster, 101), newFile(cluster, 102)]
    await give(laptop, cluster.fixture, mine)
    await cluster.replicas.time.advance(8_000_000)
    expect(mine.every(({ id }) => laptop.sync.placeOf(id) === 'kept')).toBe(true)
    await cluster.replicas.connectAll()
    await until(cluster, () => mine.every((file) => keepersAmong(cluster.nodes, file).length === 2))
    await until(cluster, () => laptop.sync.status.contents.cachedBytes <= fileBytes)
    await until(cluster, () => mine.some(({ id }) => laptop.sync.placeOf(id) === 'absent'))
    expect(files.every((file) => keepersAmong(cluster.nodes, file).length === 2)).toBe(true)
  })
})
