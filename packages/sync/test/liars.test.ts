/** Peers that lie, flood or never end: what they get is a short conversation. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Connection, ConnectionHandlers } from '@blocktree/network'
import { type Cluster, give, startCluster } from './cluster.ts'
import { methodNames } from '../src/method-names.ts'
import { encodeNodesAnswer, encodeOpenAnswer, encodePush, encodeStreamed } from '../src/messages.ts'
import type { ReplicaNode } from './replicas.ts'
import { type Author, crypto } from './tree-fixture.ts'

let open: Cluster | undefined

afterEach(async () => {
  await open?.replicas.close()
  open = undefined
})

const node = (
  count: number,
  hash = crypto.sha256(Uint8Array.of(count & 255))
): { count: number; hash: Uint8Array } => ({ count, hash })
const nothing = { count: 0, hash: new Uint8Array(32) }

/** A peer with all rights of a node that answers as the test says. */
async function liar(
  cluster: Cluster,
  author: Author,
  answers: Partial<ConnectionHandlers>
): Promise<Connection> {
  const { replicas } = cluster
  const hub = replicas.hub.join({ name: 'liar', localKey: crypto.sha256(Uint8Array.of(66)) })
  replicas.introduce(hub.localKey, author.principal)
  const [address] = cluster.node(0).network.addresses()
  if (address === undefined) throw new Error('no address')
  const connection = await replicas.time.until(hub.dial(address))
  connection.serve({
    request: () => Promise.reject(new Error('not answered')),
    event: () => undefined,
    stream: () => noChunks(),
    ...answers
  })
  return connection
}

async function* noChunks(): AsyncGenerator<Uint8Array> {
  // nothing
}

function shutOut({ sync }: ReplicaNode): boolean {
  return sync.status.peers.some(({ state }) => state === 'shut out')
}

async function start(
  seed: string
): Promise<{ cluster: Cluster; author: Author; scope: readonly Uint8Array[] }> {
  const cluster = await startCluster(seed, 1)
  open = cluster
  const author = cluster.fixture.cap(cluster.fixture.root, 'liar', cluster.fixture.rootPlace)
  await give(cluster.node(0), cluster.fixture)
  return { cluster, author, scope: [cluster.fixture.rootPlace.block] }
}

describe('a peer that lies', () => {
  test('about an endless trie is given up and shut out', async () => {
    const { cluster, author, scope } = await start('endless trie')
    let asked = 0
    await liar(cluster, author, {
      request: (method) => {
        asked++
        if (method === 'sync.open')
          return Promise.resolve(encodeOpenAnswer({ scope, roots: [node(9), nothing, nothing] }))
        const children = Array.from({ length: 16 }, (_, index) => node(1000 + asked + index))
        return Promise.resolve(encodeNodesAnswer([{ path: new Uint8Array(0), kind: 'inner', children }]))
      }
    })
    await cluster.replicas.time.advance(60_000)
    expect(asked).toBeLessThan(100)
    expect(cluster.node(0).notes.join()).toContain('leaves out what was asked')
  })

  test('with forged headers is shut out and nothing of it is kept', async () => {
    const { cluster, author } = await start('forged')
    const { fixture, replicas } = cluster
    const connection = await liar(cluster, author, {})
    const records = Array.from({ length: 12 }, () => {
      const { bytes } = fixture.header(author, fixture.place(author, fixture.rootPlace), { prev: [] })
      const forged = bytes.slice()
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
      return { bytes: forged, inline: undefined }
    })
    const before = cluster.node(0).tree.statistics().headers
    connection.notify('sync.push', encodePush({ tree: fixture.tree.id, births: [], records }))
    await replicas.time.advance(200)
    expect(cluster.node(0).tree.statistics().headers).toBe(before)
    expect(shutOut(cluster.node(0))).toBe(true)
  })

  test('with records that never end is cut off', async () => {
    const { cluster, author, scope } = await start('endless records')
    const { fixture } = cluster
    const [first] = fixture.records
    if (first === undefined) throw new Error('no record')
    let sent = 0
    await liar(cluster, author, {
      request: (method) => {
        if (method === 'sync.open')
          return Promise.resolve(encodeOpenAnswer({ scope, roots: [node(1e9), nothing, nothing] }))
        const rows = [{ key: crypto.sha256(Uint8Array.of(1)), tips: [] }]
        return Promise.resolve(encodeNodesAnswer([{ path: new Uint8Array(0), kind: 'rows', rows }]))
      },
      async *stream() {
        const frame = encodeStreamed({ kind: 'record', bytes: first.bytes, inline: undefined })
        const chunk = new Uint8Array((frame.length + 4) * 100)
        for (let at = 0; at < 100; at++) {
          new DataView(chunk.buffer).setUint32(at * (frame.length + 4), frame.length)
          chunk.set(frame, at * (frame.length + 4) + 4)
        }
        for (;;) {
          sent += 100
          yield chunk.slice()
        }
      }
    })
    await cluster.replicas.time.advance(5000)
    expect(sent).toBeLessThan(200_000)
    expect(cluster.node(0).notes.join()).toContain('brings nothing new')
  })

  test('with wrong sectors is asked no more, and another peer gives the right ones', async () => {
    const { cluster, author, scope } = await start('wrong sectors')
    const { fixture, replicas } = cluster
    const content = Uint8Array.from({ length: 60_000 }, (_, index) => (index * index) >> 5)
    const { first } = fixture.create(author, fixture.rootPlace, { content })
    const connection = await liar(cluster, author, {
      request: (method) =>
        method === 'sync.open'
          ? Promise.resolve(encodeOpenAnswer({ scope, roots: [nothing, nothing, nothing] }))
          : Promise.resolve(encodeNodesAnswer([])),
      async *stream() {
        yield Uint8Array.of(0, 0, 0, 5, 1, 2, 3, 4, 5)
      }
    })
    await replicas.time.advance(100)
    connection.notify(
      'sync.push',
      encodePush({ tree: fixture.tree.id, births: [], records: [{ bytes: first.bytes, inline: undefined }] })
    )
    await replicas.time.advance(1000)
    expect(cluster.node(0).tree.header(first.id)).toBeDefined()
    expect(cluster.node(0).sync.status.payloadsWanted).toBe(1)
    const honest = await replicas.add('honest', fixture.cap(fixture.root, 'honest', fixture.rootPlace))
    await give(honest, fixture)
    await give(cluster.node(0), fixture, fixture.records.slice(-2))
    await replicas.time.advance(100)
    await replicas.connect(honest, cluster.node(0))
    await replicas.time.advance(40_000)
    expect(cluster.node(0).sync.status.payloadsWanted).toBe(0)
  })

  test('about the sector beside a header does not keep the right one away', async () => {
    const { cluster, author } = await start('wrong sector beside')
    const { fixture, replicas } = cluster
    const { first } = fixture.create(author, fixture.rootPlace, { content: new Uint8Array(100) })
    const right = fixture.sectors.at(-1)?.bytes ?? new Uint8Array()
    expect(first.body.payload?.stored).toBe(right.length)
    const connection = await liar(cluster, author, {})
    const wrong = right.map((byte) => byte ^ 1)
    await replicas.time.advance(100)
    connection.notify(
      'sync.push',
      encodePush({ tree: fixture.tree.id, births: [], records: [{ bytes: first.bytes, inline: wrong }] })
    )
    await replicas.time.advance(1000)
    expect(cluster.node(0).tree.header(first.id)).toBeDefined()
    expect(cluster.node(0).sync.status.payloadsWanted).toBe(1)
    const honest = await replicas.add('honest', fixture.cap(fixture.root, 'honest', fixture.rootPlace))
    await give(honest, fixture)
    await give(cluster.node(0), fixture, fixture.records.slice(-2))
    await replicas.time.advance(100)
    await replicas.connect(honest, cluster.node(0))
    await replicas.time.advance(40_000)
    expect(cluster.node(0).sync.status.payloadsWanted).toBe(0)
    expect(cluster.node(0).store.hasSector(crypto.sha256(right))).toBe(true)
  })

  test('with garbage as messages is shut out', async () => {
    const { cluster, author } = await start('garbage')
    const connection = await liar(cluster, author, {})
    for (let count = 0; count < 6; count++) connection.notify('sync.push', Uint8Array.of(1, 2, 3))
    await cluster.replicas.time.advance(100)
    expect(shutOut(cluster.node(0))).toBe(true)
  })

  test('asking malformed things is told so', async () => {
    const { cluster, author } = await start('malformed')
    const connection = await liar(cluster, author, {})
    const ask = (method: string): Promise<unknown> =>
      cluster.replicas.time.until(
        connection.request(method, Uint8Array.of(7)).catch((error: unknown) => error)
      )
    for (const method of [...methodNames.requests, 'sync.other'])
      expect(await ask(method)).toMatchObject({ code: 'ERR_SYNC_MALFORMED' })
  })
})
