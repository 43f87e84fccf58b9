/** Holders that promise what they do not keep, or less than was asked, and peers that keep parts from others. */
import { afterEach, describe, expect, test } from 'vitest'
import { createReceipt, type HeaderRecord, type Id } from '@blocktree/tree'
import { HolderTrust } from '../src/holder-trust.ts'
import { brokenPromisesMax, evasionsMax, spotChecksFirst } from '../src/limits.ts'
import { decodeReceiptAsk, encodeOpenAnswer, encodePush, encodeReceiptAnswer } from '../src/messages.ts'
import { give } from './cluster.ts'
import { blameOf, connectEnemy, nothing, type Scene, startScene } from './enemy.ts'
import { crypto } from './tree-fixture.ts'

let scene: Scene | undefined
afterEach(async () => {
  await scene?.cluster.replicas.close()
  scene = undefined
})

interface Lie {
  readonly coverage?: 1 | 2
  readonly keepUntilMs?: number
}

/** A receipt of the enemy for whatever is asked. */
function promise({ cluster, author }: Scene, ask: Uint8Array, lie: Lie = {}): Uint8Array {
  const { tree, zone, records } = decodeReceiptAsk(ask)
  const receipt = createReceipt(crypto, author.principal, {
    tree,
    zone,
    records: [...records].toSorted((left, right) => (left.toHex() < right.toHex() ? -1 : 1)),
    coverage: lie.coverage ?? 2,
    durability: 1,
    timeMs: cluster.replicas.time.now(),
    keepUntilMs: lie.keepUntilMs,
    term: undefined,
    fence: undefined,
    challenge: undefined,
    cap: author.cap?.id
  })
  return encodeReceiptAnswer({ receipt: receipt.bytes, missing: [] })
}

const refusal = (code: string): Promise<never> => Promise.reject(Object.assign(new Error('no'), { code }))

/** A node with a file, and an enemy that promises it. */
async function start(
  seed: string,
  { lie = {}, challenge = 'ERR_SYNC_NOT_HELD' }: { readonly lie?: Lie; readonly challenge?: string } = {}
): Promise<{ it: Scene; write: () => Promise<HeaderRecord>; counts: (id: Id) => Promise<number> }> {
  const it = await startScene(seed)
  scene = it
  const { fixture, replicas } = it.cluster
  await connectEnemy(it, {
    request: (method, body) => {
      if (method === 'sync.receipt') return Promise.resolve(promise(it, body, lie))
      if (method === 'sync.challenge') return refusal(challenge)
      return Promise.resolve(encodeOpenAnswer({ scope: it.scope, roots: [nothing, nothing, nothing] }))
    }
  })
  await replicas.time.advance(500)
  return {
    it,
    async write() {
      const { first } = fixture.create(fixture.root, fixture.rootPlace, {
        content: new Uint8Array(20_000).fill(7)
      })
      await give(it.node, fixture)
      return first
    },
    async counts(id) {
      const waited = it.node.sync.waitFor([id], { copies: 2, timeoutMs: 3000 })
      return (await replicas.time.until(waited)).kept
    }
  }
}

describe('a holder that promises what it does not have', () => {
  test('does not count for the first write that waits for it', async () => {
    const { it, write, counts } = await start('liar')
    const { id } = await write()
    expect(await counts(id)).toBe(1)
    expect(blameOf(it)).toMatchObject({ wrong: 'ERR_SYNC_WRONG_RECEIPT' })
    expect(it.node.notes.join()).toContain('does not keep what it promised')
    const [promised] = await it.node.sync.promises(id)
    expect(promised?.state).toBe('failed')
  })

  test('nor does anything that it promised before, once it has failed a few times', async () => {
    const { it, write, counts } = await start('three')
    const written: Id[] = []
    for (let count = 0; count <= brokenPromisesMax; count++) {
      const { id } = await write()
      written.push(id)
      expect(await counts(id)).toBe(1)
    }
    expect(it.node.notes.join()).toContain('promises of a peer count no more')
    for (const id of written)
      expect((await it.node.sync.promises(id)).every(({ state }) => state === 'failed')).toBe(true)
  })

  test('nor one that never answers when it is asked for proof', async () => {
    const { it, write, counts } = await start('evades', { challenge: 'ERR_INTERNAL' })
    const { id } = await write()
    expect(await counts(id)).toBe(1)
    expect(blameOf(it)).toMatchObject({ wrong: 'ERR_SYNC_WRONG_RECEIPT' })
  })
})

describe('a receipt for less than was asked', () => {
  test('of the header alone is none for the content', async () => {
    const { it, write, counts } = await start('header only', { lie: { coverage: 1 } })
    const { id } = await write()
    expect(await counts(id)).toBe(1)
    expect(blameOf(it)).toMatchObject({ wrong: 'ERR_SYNC_WRONG_RECEIPT' })
  })

  test('that has ended already is none', async () => {
    const { write, counts } = await start('ended', { lie: { keepUntilMs: 5 } })
    const { id } = await write()
    expect(await counts(id)).toBe(1)
  })
})

describe('what travels beside its header', () => {
  test('has to be proven too: nothing is proven by nothing', async () => {
    const { it, counts } = await start('inline')
    const { fixture } = it.cluster
    const { first } = fixture.create(fixture.root, fixture.rootPlace, {
      content: new Uint8Array(100).fill(3)
    })
    const [sector] = fixture.sectors.slice(-1)
    await it.node.tree.offer(
      { records: [{ bytes: first.bytes, inline: sector?.bytes ?? new Uint8Array(0) }] },
      { peer: 'test', from: 'host' }
    )
    expect(it.node.store.readRecord(first.id)?.inline).toBeDefined()
    expect(await counts(first.id)).toBe(1)
  })
})

describe('HolderTrust', () => {
  const holder = new Uint8Array(32).fill(1)

  test('checks the first receipts of a holder, and then some', () => {
    const trust = new HolderTrust()
    const dice = Array.from({ length: 64 }, (_, index) => index * 4)
    const due = dice.map((byte) => trust.isCheckDue(holder, 255 - byte))
    expect(due.slice(0, spotChecksFirst)).toEqual(Array.from({ length: spotChecksFirst }, () => true))
    expect(due.slice(spotChecksFirst).filter(Boolean)).toHaveLength(8)
  })

  test('ends after a few failures, and comes back with as many proofs', () => {
    const trust = new HolderTrust()
    for (let count = 1; count <= brokenPromisesMax; count++)
      expect(trust.broke(holder)).toBe(count === brokenPromisesMax)
    expect(trust.isTrusted(holder)).toBe(false)
    expect(trust.isCheckDue(holder, 255)).toBe(true)
    trust.proved(holder)
    expect(trust.isTrusted(holder)).toBe(true)
    expect(trust.isTrusted(new Uint8Array(32).fill(2))).toBe(true)
  })

  test('takes silence for a failure when it comes again and again', () => {
    const trust = new HolderTrust()
    for (let count = 1; count < evasionsMax; count++) expect(trust.evaded(holder)).toBe(false)
    expect(trust.evaded(holder)).toBe(true)
    trust.proved(holder)
    expect(trust.evaded(holder)).toBe(false)
  })
})

describe('a peer that trickles', () => {
  test('keeps the parts of a file from nobody: they are asked of others after a minute', async () => {
    const it = await startScene('trickle')
    scene = it
    const { fixture, replicas } = it.cluster
    const content = Uint8Array.from({ length: 60_000 }, (_, index) => (index * index) >> 5)
    const { first } = fixture.create(it.author, fixture.rootPlace, { content })
    const connection = await connectEnemy(it, {
      async *stream(method, _, { signal }) {
        if (method !== 'sync.sectors') return
        yield Uint8Array.of(0, 0, 16)
        while (!signal.aborted) {
          await new Promise<void>((resolve) => void replicas.time.start(20_000, resolve))
          yield Uint8Array.of(0)
        }
      }
    })
    await replicas.time.advance(100)
    const records = [{ bytes: first.bytes, inline: undefined }]
    connection.notify('sync.push', encodePush({ tree: fixture.tree.id, births: [], records }))
    await replicas.time.advance(1000)
    expect(it.node.sync.status.payloadsWanted).toBe(1)
    const honest = await replicas.add('honest', fixture.cap(fixture.root, 'honest', fixture.rootPlace))
    await give(honest, fixture)
    await give(it.node, fixture, fixture.records.slice(-2))
    await replicas.connect(honest, it.node)
    await replicas.time.advance(150_000)
    expect(it.node.sync.status.payloadsWanted).toBe(0)
    expect(blameOf(it)).toMatchObject({ wrong: 'ERR_SYNC_SLOW' })
  })
})
