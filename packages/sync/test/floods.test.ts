/** Peers with rights that ask, tell and send more than anybody needs: memory and time of the others stay their own. */
import { afterEach, describe, expect, test } from 'vitest'
import {
  answersBurst,
  answersPerSecond,
  birthsInARowMax,
  differencesMax,
  eventsBurst,
  receiptsWaitingMax,
  scopesBurst,
  streamsMax
} from '../src/limits.ts'
import {
  decodeNodesAsk,
  encodeBehind,
  encodeHave,
  encodeNodesAnswer,
  encodeNodesAsk,
  encodeOpen,
  encodeOpenAnswer,
  encodePush,
  encodeReceiptAsk,
  encodeStreamed,
  encodeWatchAsk
} from '../src/messages.ts'
import { compareSummary } from '../src/comparison.ts'
import { makeScope } from '../src/scope.ts'
import { ScopeSummaries, type SummaryRow } from '../src/summaries.ts'
import { Summary } from '../src/summary.ts'
import { give } from './cluster.ts'
import {
  blameOf,
  codeOf,
  connectEnemy,
  noChunks,
  nothing,
  otherRoot,
  type Scene,
  startScene,
  top
} from './enemy.ts'
import { crypto, principalNamed } from './tree-fixture.ts'

let scene: Scene | undefined
afterEach(async () => {
  await scene?.cluster.replicas.close()
  scene = undefined
})

async function start(seed: string): Promise<Scene> {
  scene = await startScene(seed)
  return scene
}

const zeroId = (byte: number, other = 0): Uint8Array => crypto.sha256(Uint8Array.of(byte, byte >> 8, other))

describe('events without end', () => {
  test('are dropped beyond a rate, and whoever goes on is not spoken to', async () => {
    const it = await start('events')
    const connection = await connectEnemy(it)
    const call = encodeBehind(it.cluster.fixture.tree.id)
    for (let count = 0; count < eventsBurst - 100; count++) connection.notify('sync.behind', call)
    await it.cluster.replicas.time.advance(100)
    expect(blameOf(it)).toMatchObject({ wrong: undefined })
    for (let count = 0; count < 13_000; count++) connection.notify('sync.behind', call)
    await it.cluster.replicas.time.advance(100)
    expect(blameOf(it)).toMatchObject({ state: 'shut out', wrong: 'ERR_SYNC_FLOOD' })
    expect(it.node.notes.join()).toContain('"code":"ERR_SYNC_FLOOD"')
    expect(it.node.notes.join()).toContain(it.author.principal.id.toHex())
  })

  test('of ids open few streams, and keep few ids', async () => {
    const it = await start('ids')
    let open = 0
    let most = 0
    const connection = await connectEnemy(it, {
      async *stream(_, __, { signal }) {
        most = Math.max(most, ++open)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
        open--
        yield* noChunks()
      }
    })
    for (let count = 0; count < 200; count++) {
      const ids = Array.from({ length: 100 }, (_, index) => zeroId(count, index))
      connection.notify('sync.have', encodeHave(it.cluster.fixture.tree.id, ids))
      await it.cluster.replicas.time.advance(30)
    }
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(4)
  })

  test('that bring nothing new are judged no more after a while', async () => {
    const it = await start('useless')
    const { fixture, replicas } = it.cluster
    const connection = await connectEnemy(it)
    const records = Array.from({ length: 20 }, () => fixture.create(it.author, fixture.rootPlace).first).map(
      ({ bytes }) => ({ bytes, inline: undefined })
    )
    await give(it.node, fixture)
    const message = encodePush({ tree: fixture.tree.id, births: [], records })
    let judged = 0
    const offer = it.node.tree.offer.bind(it.node.tree)
    it.node.tree.offer = async (...offered) => {
      judged += offered[0].records.length
      return await offer(...offered)
    }
    for (let second = 0; second < 20; second++) {
      for (let count = 0; count < 200; count++) connection.notify('sync.push', message)
      await replicas.time.advance(1000)
    }
    expect(judged).toBeGreaterThan(8000)
    expect(judged).toBeLessThan(30_000) // of 80,000
  })
})

describe('questions without end', () => {
  test('about summaries wait for one another, and nobody else waits for them', async () => {
    const it = await start('summaries')
    const { fixture, replicas } = it.cluster
    const other = fixture.cap(fixture.root, 'friend', fixture.rootPlace)
    await give(it.node, fixture)
    const connection = await connectEnemy(it)
    const friend = await connectEnemy({ ...it, author: other }, {}, 'friend')
    const ask = encodeNodesAsk({ tree: fixture.tree.id, scope: it.scope, set: 3, levels: 2, paths: [top] })
    const answered: number[] = []
    const asked = Array.from({ length: 1000 }, (_, index) =>
      connection.request('sync.nodes', ask).then(() => void answered.push(index))
    )
    const before = friend.request('sync.nodes', ask).then(() => answered.length)
    await replicas.time.until(Promise.all(asked))
    expect(answered).toEqual(Array.from({ length: 1000 }, (_, index) => index))
    expect(await before).toBeLessThan(100)
    expect(answersBurst / answersPerSecond).toBeGreaterThan(10)
  })

  test('about one scope after another are answered for a few', async () => {
    const it = await start('scopes')
    const { fixture } = it.cluster
    const zones = Array.from({ length: 30 }, () =>
      fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    ).map(({ place }) => place.block)
    await give(it.node, fixture)
    const connection = await connectEnemy(it)
    const codes: unknown[] = []
    for (const zone of zones) {
      const ask = encodeOpen({ tree: fixture.tree.id, scope: [zone] })
      codes.push(await codeOf(it, connection.request('sync.open', ask)))
    }
    expect(codes.filter((code) => code === 'answered').length).toBeLessThanOrEqual(scopesBurst + 1)
    expect(codes.at(-1)).toBe('ERR_SYNC_BUSY')
    const whole = encodeOpen({ tree: fixture.tree.id, scope: [] })
    await it.cluster.replicas.time.advance(20_000)
    expect(await codeOf(it, connection.request('sync.open', whole))).toBe('answered')
  })

  test('for receipts of what is not there wait in bounded number', async () => {
    const it = await start('receipts')
    const connection = await connectEnemy(it)
    const { fixture, replicas } = it.cluster
    const codes: unknown[] = []
    const asked = Array.from({ length: receiptsWaitingMax + 50 }, (_, index) =>
      connection
        .request(
          'sync.receipt',
          encodeReceiptAsk({
            tree: fixture.tree.id,
            scope: it.scope,
            zone: fixture.rootPlace.block,
            records: [zeroId(index)],
            coverage: 1
          }),
          { timeoutMs: 5000 }
        )
        .catch((error: unknown) =>
          codes.push(error instanceof Error && 'code' in error ? error.code : 'other')
        )
    )
    await replicas.time.advance(1000)
    expect(codes).toEqual(Array.from({ length: 50 }, () => 'ERR_SYNC_BUSY'))
    await replicas.time.until(Promise.all(asked))
  })

  test('for streams that never end get a few', async () => {
    const it = await start('watches')
    const connection = await connectEnemy(it)
    const ask = encodeWatchAsk({ tree: it.cluster.fixture.tree.id, scope: it.scope }, undefined)
    let refused = 0
    const ended = new AbortController()
    const pulls = Array.from({ length: 40 }, async () => {
      try {
        for await (const _ of connection.pull('sync.watch', ask, {
          signal: ended.signal,
          timeoutMs: 600_000
        }));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ERR_SYNC_BUSY') refused++
      }
    })
    await it.cluster.replicas.time.advance(1000)
    expect(refused).toBe(40 - streamsMax)
    ended.abort()
    await it.cluster.replicas.time.until(Promise.all(pulls))
  })

  test('of somebody without a right are refused before they are read, at a rate', async () => {
    const it = await start('stranger')
    const stranger = { ...it, author: { principal: principalNamed('nobody'), cap: undefined, rank: 0 } }
    const connection = await connectEnemy(stranger)
    expect(await codeOf(it, connection.request('sync.nodes', Uint8Array.of(7)))).toBe('ERR_SYNC_FORBIDDEN')
    expect(await codeOf(it, connection.request('sync.open', new Uint8Array(1 << 20)))).toBe(
      'ERR_SYNC_FORBIDDEN'
    )
    const { node } = it
    expect(node.sync.status.peers.some(({ taken }) => taken > 0)).toBe(false)
  })
})

describe('answers without end', () => {
  test('births that no record needs end the stream', async () => {
    const it = await start('births')
    const [first] = it.cluster.fixture.records
    if (first === undefined) throw new Error('no record')
    const birth = it.cluster.fixture.rootPlace.birthBytes
    let sent = 0
    await connectEnemy(it, {
      request: (method) =>
        Promise.resolve(
          method === 'sync.open'
            ? encodeOpenAnswer({ scope: it.scope, roots: [otherRoot(5), nothing, nothing] })
            : encodeNodesAnswer([{ path: top, kind: 'rows', rows: [{ key: zeroId(1), tips: [] }] }])
        ),
      async *stream() {
        const frame = encodeStreamed({ kind: 'birth', bytes: birth })
        const chunk = new Uint8Array(frame.length + 4)
        new DataView(chunk.buffer).setUint32(0, frame.length)
        chunk.set(frame, 4)
        for (; sent < 1_000_000; sent++) yield chunk.slice()
      }
    })
    await it.cluster.replicas.time.advance(2000)
    expect(it.node.notes.join()).toContain('births come without a record')
    expect(sent).toBeLessThan(20 * birthsInARowMax)
    await it.cluster.replicas.time.advance(20_000)
    expect(blameOf(it)).toMatchObject({ wrong: 'ERR_SYNC_WRONG_ANSWER' })
  })

  test('rows of a summary fill no memory: a comparison ends with what it may keep', async () => {
    const it = await start('rows')
    const { scope } = it
    const full = Array.from({ length: 16 }, (_, index) => ({ count: 99, hash: zeroId(index, 9) }))
    // of a tree in which every place holds something
    const summary = new Summary<SummaryRow>(crypto, () => [])
    summary.node = () => Promise.resolve({ count: 1e6, hash: zeroId(1, 9) })
    summary.children = () => Promise.resolve(full)
    const summaries = new ScopeSummaries(it.node.tree, crypto, makeScope(scope))
    summaries.of = () => summary
    let asked = 0
    const link = {
      connection: {
        request: (_: string, body: Uint8Array) => {
          asked++
          const nodes = decodeNodesAsk(body).paths.map((path) => {
            if (path.length < 3) {
              const children = full.map(({ count }, index) => ({ count, hash: zeroId(index, 8) }))
              return { path, kind: 'inner' as const, children }
            }
            const rows = Array.from({ length: 60 }, (__, index) => {
              const key = zeroId(index, path.length)
              key[0] = ((path[0] ?? 0) << 4) | (path[1] ?? 0)
              key[1] = ((path[2] ?? 0) << 4) | (index % 16)
              return { key, tips: [zeroId(index, 1)] }
            })
            return { path, kind: 'rows' as const, rows }
          })
          return Promise.resolve(encodeNodesAnswer(nodes))
        }
      }
    }
    const difference = await compareSummary(link, summaries, {
      tree: it.cluster.fixture.tree.id,
      scope: makeScope(scope),
      set: 3,
      theirs: otherRoot(1e9),
      signal: new AbortController().signal
    })
    expect(difference.isCut).toBe(true)
    expect(difference.rows.length).toBeGreaterThan(differencesMax / 4)
    expect(difference.rows.length).toBeLessThan(differencesMax)
    expect(asked).toBeLessThan(20)
  })
})
