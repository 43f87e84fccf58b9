/** Peers with rights that waste the time of others, or lose their rights while something is under way. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Connection } from '@blocktree/network'
import { type Cluster, give, startCluster } from './cluster.ts'
import {
  encodeBehind,
  encodeNodesAnswer,
  encodeOpenAnswer,
  encodePush,
  encodeReceiptAsk,
  encodeSectorsAsk
} from '../src/messages.ts'
import { payloadOf } from '../src/payload-parts.ts'
import { createMemoryStore } from '@blocktree/tree/memory'
import type { NodeOptions } from './replicas.ts'
import { type Author, crypto } from './tree-fixture.ts'

let open: Cluster | undefined

afterEach(async () => {
  await open?.replicas.close()
  open = undefined
})

async function start(seed: string, options: NodeOptions = {}): Promise<Scene> {
  const cluster = await startCluster(seed, 1, { node: options })
  open = cluster
  const author = cluster.fixture.cap(cluster.fixture.root, 'member', cluster.fixture.rootPlace)
  await give(cluster.node(0), cluster.fixture)
  return { cluster, author, scope: [cluster.fixture.rootPlace.block] }
}

interface Scene {
  readonly cluster: Cluster
  readonly author: Author
  readonly scope: readonly Uint8Array[]
}

/** @param answer to `sync.open`, with how often it was asked */
async function connect(
  { cluster, author, scope }: Scene,
  onOpen: (connection: Connection, asked: number) => number
): Promise<Connection> {
  const { replicas } = cluster
  const hub = replicas.hub.join({ name: 'member', localKey: crypto.sha256(Uint8Array.of(66)) })
  replicas.introduce(hub.localKey, author.principal)
  const connection = await replicas.time.until(hub.dial(cluster.node(0).network.addresses()[0] ?? ''))
  const nothing = { count: 0, hash: new Uint8Array(32) }
  let asked = 0
  connection.serve({
    request: async (method) => {
      if (method === 'sync.nodes')
        return encodeNodesAnswer([{ path: new Uint8Array(0), kind: 'rows', rows: [] }])
      const count = onOpen(connection, ++asked)
      const theirs = { count, hash: crypto.sha256(Uint8Array.of(count & 255, asked & 255)) }
      return encodeOpenAnswer({ scope, roots: [nothing, nothing, count === 0 ? nothing : theirs] })
    },
    event: () => undefined,
    async *stream() {
      // nothing
    }
  })
  return connection
}

describe('a peer with rights', () => {
  test('that says without end that we are behind is compared with ever more seldom', async () => {
    const scene = await start('calls')
    const { replicas, fixture } = scene.cluster
    let opened = 0
    const connection = await connect(scene, (_, asked) => {
      opened = asked
      return 1
    })
    const call = encodeBehind(fixture.tree.id)
    for (let count = 0; count < 6000; count++) {
      connection.notify('sync.behind', call)
      await replicas.time.advance(10)
    }
    expect(opened).toBeLessThan(20) // in a minute, each with the second look at the summaries
    expect(opened).toBeGreaterThan(3)
  })

  test('whose summary never agrees with ours, and who calls after each comparison, makes no endless loop', async () => {
    const scene = await start('never')
    let opened = 0
    await connect(scene, (connection, asked) => {
      opened = asked
      connection.notify('sync.behind', encodeBehind(scene.cluster.fixture.tree.id))
      return asked
    })
    await scene.cluster.replicas.time.advance(120_000)
    expect(opened).toBeLessThan(30)
  })

  test('that was in step and wrote something is compared with at once', async () => {
    const cluster = await startCluster('at once', 2)
    open = cluster
    const { fixture, replicas } = cluster
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(5000)
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    await give(cluster.node(0), fixture, [first])
    expect(await replicas.converge()).toBeLessThan(300)
  })
})

describe('a peer that pushes faster than the disk takes it', () => {
  test('fills no memory: what does not fit is compared later', async () => {
    const memory = createMemoryStore()
    const stuck = Promise.withResolvers<void>()
    let isStuck = false
    let running = 0
    const store = new Proxy(memory, {
      get(target, name) {
        if (name !== 'commit') {
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        }
        return async (...batch: Parameters<typeof memory.commit>) => {
          running++
          if (isStuck) await stuck.promise
          await memory.commit(...batch)
          running--
        }
      }
    })
    const scene = await start('fast', { store })
    const { cluster, author } = scene
    const { fixture, replicas } = cluster
    const connection = await connect(scene, () => 0)
    const content = new Uint8Array(100)
    const records = Array.from({ length: 60 }, () => {
      const { first } = fixture.create(author, fixture.rootPlace, { content })
      return { bytes: first.bytes, inline: new Uint8Array(4096) }
    })
    const message = encodePush({ tree: fixture.tree.id, births: [], records })
    isStuck = true
    const before = running
    for (let count = 0; count < 200; count++) {
      connection.notify('sync.push', message)
      await replicas.time.advance(20)
    }
    const pushes = Math.ceil((16 * 1024 * 1024) / message.length)
    const held = running - before
    stuck.resolve()
    await replicas.time.advance(1000)
    expect(pushes).toBeLessThan(100)
    expect(held).toBeGreaterThan(0)
    expect(held).toBeLessThanOrEqual((records.length + 1) * pushes) // of 200 times as many
  })
})

describe('a peer whose rights end', () => {
  test('gets no further sector of a stream that was under way', async () => {
    const scene = await start('sectors', { uploadBytesPerSecond: 200_000 })
    const { cluster, author, scope } = scene
    const { fixture, replicas } = cluster
    const content = Uint8Array.from({ length: 4_000_000 }, (_, index) => (index * index) >> 7)
    const { first } = fixture.create(fixture.root, fixture.rootPlace, { content })
    await give(cluster.node(0), fixture)
    const connection = await connect(scene, () => 0)
    const references = [...new Set(fixture.sectors.map(({ reference }) => reference))].slice(0, 900)
    expect(payloadOf(first)).toBeDefined()
    const head = encodeSectorsAsk({ tree: fixture.tree.id, scope, owners: [{ owner: first.id, references }] })
    let bytes = 0
    const ended = (async () => {
      for await (const chunk of connection.pull('sync.sectors', head, { timeoutMs: 600_000 }))
        bytes += chunk.length
      return 'whole'
    })().catch((error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'other'))
    await replicas.time.advance(3000)
    expect(bytes).toBeGreaterThan(0)
    fixture.revoke(fixture.root, author)
    await give(cluster.node(0), fixture, fixture.records.slice(-1))
    const before = bytes
    expect(await replicas.time.until(ended, 600_000)).toBe('ERR_SYNC_FORBIDDEN')
    expect(bytes).toBe(before)
  })

  test('gets no promise for which it waited', async () => {
    const scene = await start('promise')
    const { cluster, author, scope } = scene
    const { fixture, replicas } = cluster
    const { first } = fixture.create(fixture.root, fixture.rootPlace) // not given yet
    const connection = await connect(scene, () => 0)
    const ask = encodeReceiptAsk({
      tree: fixture.tree.id,
      scope,
      zone: fixture.rootPlace.block,
      records: [first.id],
      coverage: 1
    })
    const answer = connection.request('sync.receipt', ask, { timeoutMs: 60_000 }).then(
      () => 'promised',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'other')
    )
    await replicas.time.advance(1000)
    fixture.revoke(fixture.root, author)
    await give(cluster.node(0), fixture)
    expect(await replicas.time.until(answer, 60_000)).toBe('ERR_SYNC_FORBIDDEN')
  })
})
