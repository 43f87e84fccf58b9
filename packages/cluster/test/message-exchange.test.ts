import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { ClusterError, type ReceivedMessage } from '../src/index.ts'
import { messageMethod } from '../src/message-exchange.ts'
import { decodeMessage, encodeMessage } from '../src/message.ts'
import { type TestCluster, type TestNode, createTestCluster } from './cluster-fixture.ts'
import { treeId } from './principals.ts'

const open: TestCluster[] = []
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

async function pair(): Promise<{ cluster: TestCluster; a: TestNode; b: TestNode }> {
  const cluster = createTestCluster()
  open.push(cluster)
  const a = await cluster.node('a')
  const b = await cluster.node('b')
  await cluster.befriend([a, b])
  await cluster.time.advance(10_000)
  return { cluster, a, b }
}

const content = new TextEncoder().encode('hello')
const plain = { tree: treeId, topic: 'greeting', content }

describe('MessageExchange', () => {
  test('delivers to the node by topic, to its apps by name, and says who took it', async () => {
    const { cluster, a, b } = await pair()
    const seen: ReceivedMessage[] = []
    b.messages.onTopic('greeting', async (message) => void seen.push(message))
    b.messages.setAppTaker(async (message) => void seen.push(message))
    expect(await cluster.time.until(a.messages.send(b.principal.id, plain))).toEqual(b.principal.id)
    await cluster.time.until(a.messages.send('/projects', { ...plain, toApp: 'notes', fromApp: 'hits' }))
    expect(seen.map(({ from, toApp, fromApp }) => [from, toApp, fromApp])).toEqual([
      [a.principal.id, undefined, undefined],
      [a.principal.id, 'notes', 'hits']
    ])
    expect(seen[0]?.reply).toBeUndefined()
  })

  test('brings the reply back, or says that none came in time', async () => {
    const { cluster, a, b } = await pair()
    b.messages.onTopic('greeting', async ({ reply, content: said }) => void reply?.(said.toReversed()))
    const asking = a.messages.request(b.principal.id, { ...plain, replyWithinMs: 5000 })
    expect(await cluster.time.until(asking)).toEqual({ from: b.principal.id, content: content.toReversed() })
    b.messages.onTopic('silence', async () => undefined)
    const silent = a.messages.request(b.principal.id, { ...plain, topic: 'silence', replyWithinMs: 5000 })
    await expect(cluster.time.until(silent)).rejects.toMatchObject({ code: 'ERR_MESSAGE_TIMEOUT' })
  })

  test('tells the sender what kept it from the recipient', async () => {
    const { cluster, a, b } = await pair()
    const send = (change: object = {}): Promise<unknown> =>
      cluster.time.until(a.messages.send(b.principal.id, { ...plain, ...change }))
    await expect(send()).rejects.toMatchObject({ code: 'ERR_MESSAGE_UNHEARD' })
    await expect(send({ toApp: 'notes' })).rejects.toMatchObject({ code: 'ERR_MESSAGE_UNHEARD' })
    b.messages.setAppTaker(async () => {
      throw new ClusterError('ERR_MESSAGE_DENIED', 'takes none of these')
    })
    await expect(send({ toApp: 'notes' })).rejects.toMatchObject({ code: 'ERR_MESSAGE_DENIED' })
    b.standings.clear()
    await expect(send({ toApp: 'notes' })).rejects.toMatchObject({ code: 'ERR_MESSAGE_DENIED' })
    await expect(send({ content: new Uint8Array(1024 * 1024) })).rejects.toMatchObject({
      code: 'ERR_MESSAGE_SIZE'
    })
  })

  test('holds a peer that floods to its rate', async () => {
    const { cluster, a, b } = await pair()
    let taken = 0
    b.messages.onTopic('greeting', async () => void (taken += 1))
    const sending = Array.from({ length: 1000 }, () =>
      a.messages.send(b.principal.id, plain).catch((error: unknown) => error)
    )
    const results = await cluster.time.until(Promise.all(sending))
    expect(taken).toBeLessThanOrEqual(450)
    expect(
      results.some((result) => result instanceof ClusterError && result.code === 'ERR_MESSAGE_BUSY')
    ).toBe(true)
    await cluster.time.advance(2000)
    await cluster.time.until(a.messages.send(b.principal.id, plain))
  })

  test('gives other topics to whoever takes them all, and messages to this node itself over no network', async () => {
    const { cluster, a, b } = await pair()
    b.messages.setTopicTaker(async ({ topic, reply }) => {
      if (topic !== 'weather') throw new ClusterError('ERR_MESSAGE_UNHEARD', 'nobody listens')
      await reply?.(content)
    })
    const ask = { ...plain, topic: 'weather', replyWithinMs: 5000 }
    const far = await cluster.time.until(a.messages.request(b.principal.id, ask))
    expect(far).toEqual({ from: b.principal.id, content })
    expect(await b.messages.request(b.principal.id, ask)).toEqual({ from: b.principal.id, content })
    for (const from of [a, b])
      await expect(cluster.time.until(from.messages.send(b.principal.id, plain))).rejects.toMatchObject({
        code: 'ERR_MESSAGE_UNHEARD'
      })
  })

  test('asks the next node of a path when nobody listens at the first, and says so when nobody does at any', async () => {
    const { cluster, a, b } = await pair()
    const c = await cluster.node('c')
    await cluster.befriend([a, b, c])
    await cluster.time.advance(10_000)
    const ask = { ...plain, replyWithinMs: 5000 }
    for (const node of [b, c]) {
      const end = node.messages.onTopic('greeting', async ({ reply }) => void reply?.(content))
      const { from } = await cluster.time.until(a.messages.request('/projects', ask))
      expect(from).toEqual(node.principal.id)
      end()
    }
    const unheard = a.messages.request('/projects', ask)
    await expect(cluster.time.until(unheard)).rejects.toMatchObject({ code: 'ERR_MESSAGE_UNHEARD' })
  })

  test('holds all peers of a tree together to its rate', async () => {
    const cluster = createTestCluster()
    open.push(cluster)
    const taker = await cluster.node('taker')
    const senders = await Promise.all(Array.from({ length: 7 }, (_, index) => cluster.node(`peer-${index}`)))
    await cluster.befriend([taker, ...senders])
    await cluster.time.advance(10_000)
    let taken = 0
    taker.messages.onTopic('greeting', async () => void (taken += 1))
    const sending = senders.flatMap((node) =>
      Array.from({ length: 400 }, () => node.messages.send(taker.principal.id, plain).catch(() => undefined))
    )
    await cluster.time.until(Promise.all(sending))
    expect(taken).toBeGreaterThanOrEqual(2000)
    expect(taken).toBeLessThan(2400) // 2,800 when only each alone was held to its own
  })

  test('takes no reply from anybody but the one who was asked', async () => {
    const { cluster, a, b } = await pair()
    const c = await cluster.node('c')
    await cluster.befriend([a, b, c])
    await cluster.time.advance(10_000)
    let number = 0
    b.messages.onTopic('greeting', async (message) => void (number = message.number))
    const asking = a.messages.request(b.principal.id, { ...plain, replyWithinMs: 5000 })
    asking.catch(() => undefined)
    await cluster.time.advance(1000)
    const forged = c.messages.send(a.principal.id, { ...plain, inReplyTo: number })
    await expect(cluster.time.until(forged)).rejects.toMatchObject({ code: 'ERR_MESSAGE_UNHEARD' })
    await expect(cluster.time.until(asking)).rejects.toMatchObject({ code: 'ERR_MESSAGE_TIMEOUT' })
  })

  test('answers bytes that are no message with its own error', async () => {
    const { cluster, a, b } = await pair()
    const peer = a.directory.find(b.principal.id)
    const asking = peer?.connection.request(messageMethod, new Uint8Array([0xc1])) ?? Promise.resolve()
    await expect(cluster.time.until(Promise.resolve(asking))).rejects.toMatchObject({
      code: 'ERR_MESSAGE_FORMAT'
    })
  })
})

describe('decodeMessage', () => {
  test('is the inverse of encodeMessage and throws nothing but its own error', () => {
    const message = {
      ...plain,
      fromApp: 'hits',
      toApp: undefined,
      number: 7,
      replyWithinMs: 1000,
      inReplyTo: undefined
    }
    const bytes = encodeMessage(message)
    expect(decodeMessage(bytes)).toEqual(message)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = bytes.slice()
        changed[index] = (changed[index] ?? 0) ^ change
        try {
          decodeMessage(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(ClusterError)
        }
      }),
      { numRuns: 300 }
    )
  })
})
