/** A peer with a program of its own that asks for much, reads nothing and takes no notice of what it is told. */
import {
  createMemoryNetwork,
  createVirtualTime,
  type MemoryNetwork,
  type VirtualTime
} from '@blocktree/network/memory'
import type { Connection, Network } from '@blocktree/network'
import { afterEach, describe, expect, test } from 'vitest'
import { parseAddress } from '../src/address.ts'
import type { ByteLink, Transport } from '../src/byte-link.ts'
import { type Frame, channelKind, decodeFrame, encodeFrame, frameType, tokenBytes } from '../src/frame.ts'
import { FrameReader } from '../src/frame-reader.ts'
import {
  bulkQueueBytesMax,
  type NetworkLimits,
  networkLimitsDefault,
  protocolVersion
} from '../src/limits.ts'
import { joinBare } from '../src/memory-network.ts'
import { keyOf, seededRandom } from './keys.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const session = new Uint8Array(tokenBytes).fill(7)
const empty = new Uint8Array(0)

/** One channel of the enemy, with what came over it. */
interface RawChannel {
  readonly link: ByteLink
  readonly frames: Frame[]
  readonly send: (...frames: readonly Frame[]) => void
  isOver: boolean
}

interface Scene {
  readonly time: VirtualTime
  readonly hub: MemoryNetwork
  readonly victim: Network
  readonly mallory: Transport
}

function start(limits: Partial<NetworkLimits> = {}): Scene {
  const time = createVirtualTime(1)
  const hub = createMemoryNetwork({ timers: time, random: seededRandom(1), conditions: { delayMs: 1 } })
  const victim = hub.join({ name: 'victim', localKey: keyOf(1), limits })
  const mallory = joinBare(hub, 'mallory', keyOf(200))
  ends.push(() => time.until(victim.close()))
  return { time, hub, victim, mallory }
}

function openRaw(link: ByteLink): RawChannel {
  const reader = new FrameReader()
  const frames: Frame[] = []
  const channel: RawChannel = {
    link,
    frames,
    isOver: false,
    send: (...sent) =>
      link.send(sent.map((frame) => encodeFrame(frame)).flatMap(({ header, body }) => [header, body]))
  }
  link.open({
    receive: (chunk) =>
      reader.push(chunk, (frame) => {
        frames.push(decodeFrame(frame.slice()))
        return true
      }),
    drained: () => undefined,
    ended: () => (channel.isOver = true)
  })
  return channel
}

async function dialRaw({ time, victim, mallory }: Scene, channel: number): Promise<RawChannel> {
  const address = parseAddress(victim.addresses()[0] ?? '')
  const { link } = await time.until(mallory.dial(address, keyOf(1), new AbortController().signal))
  const raw = openRaw(link)
  raw.send({ type: frameType.hello, version: protocolVersion, channel, instance: session, session })
  await time.advance(10)
  return raw
}

const pull = (id: number, credit = 2 ** 31): Frame => ({
  type: frameType.pull,
  id,
  timeoutMs: 600_000,
  credit,
  method: 'test.endless',
  head: empty
})

function serveEndless(victim: Network): { running: number; most: number } {
  const count = { running: 0, most: 0 }
  victim.onConnection((connection) =>
    connection.serve({
      request: () => Promise.resolve(empty),
      event: () => undefined,
      async *stream(_, __, { signal }) {
        count.most = Math.max(count.most, ++count.running)
        try {
          while (!signal.aborted) yield await Promise.resolve(new Uint8Array(256 * 1024))
        } finally {
          count.running--
        }
      }
    })
  )
  return count
}

describe('a peer that reads nothing', () => {
  test('is cut off when the errors that its pulls cause would fill the memory', async () => {
    const scene = start()
    scene.victim.onConnection((connection) =>
      connection.serve({
        request: () => Promise.resolve(empty),
        event: () => undefined,
        stream: () => {
          throw new Error('no such stream')
        }
      })
    )
    await dialRaw(scene, channelKind.request)
    const bulk = await dialRaw(scene, channelKind.bulk)
    scene.hub.setConditions('victim', 'mallory', { isCut: true })
    for (let round = 0; round < 150; round++) {
      bulk.send(...Array.from({ length: 1000 }, (_, index) => pull(1 + round * 1000 + index)))
      await scene.time.advance(2)
    }
    scene.hub.setConditions('victim', 'mallory', { isCut: false })
    await scene.time.advance(1000)
    expect(bulk.isOver).toBe(true)
    const bytes = bulk.frames.reduce((sum, frame) => sum + encodeFrame(frame).header.length, 0)
    expect(bytes).toBeGreaterThan(bulkQueueBytesMax / 2)
    expect(bytes).toBeLessThan(2 * bulkQueueBytesMax)
  })

  test('has one chunk of each stream waiting for it, and no more streams over many channels than over one', async () => {
    const scene = start()
    const count = serveEndless(scene.victim)
    await dialRaw(scene, channelKind.request)
    const channels: RawChannel[] = []
    for (let one = 0; one < networkLimitsDefault.bulkChannelsMax; one++)
      channels.push(await dialRaw(scene, channelKind.bulk))
    for (const channel of channels)
      channel.send(...Array.from({ length: 64 }, (_, index) => pull(index + 1, 1024 * 1024)))
    await scene.time.advance(100)
    expect(count.most).toBe(networkLimitsDefault.pullsMax)
    const refused = channels.flatMap(({ frames }) => frames.filter(({ type }) => type === frameType.error))
    expect(refused).toHaveLength(3 * networkLimitsDefault.pullsMax)
  })
})

describe('a peer that was dialled', () => {
  test('and asks for channel after channel is opened few: each is a handshake', async () => {
    const { time, victim, mallory } = start()
    let opened = 0
    const requests: RawChannel[] = []
    mallory.open({
      accepted({ link }) {
        const raw = openRaw(link)
        opened++
        const answer = (): void => {
          const [hello] = raw.frames
          if (hello?.type !== frameType.hello) return void time.start(1, answer)
          raw.send(hello)
          if (hello.channel === channelKind.bulk) time.start(1, () => link.destroy())
          else requests.push(raw)
        }
        time.start(2, answer)
      },
      addressesChanged: () => undefined,
      directWay: () => undefined
    })
    await time.until(victim.dial(`/memory/mallory`, { expectedKey: keyOf(200) }))
    const before = opened
    for (let round = 0; round < 1000; round++) {
      requests[0]?.send({ type: frameType.channel, id: 0 })
      await time.advance(5)
    }
    expect(opened - before).toBeGreaterThan(10) // in five seconds
    expect(opened - before).toBeLessThanOrEqual(6 * networkLimitsDefault.channelsPerSecondMax)
  })
})

describe('a connection that is closed', () => {
  test('ends its streams and requests at once, though the peer takes no notice', async () => {
    const scene = start()
    const { time, victim } = scene
    const connections: Connection[] = []
    let asked = 0
    let running = 0
    victim.onConnection((connection) => {
      connections.push(connection)
      connection.serve({
        request: () => Promise.resolve(empty),
        event: () => void asked++,
        async *stream() {
          running++
          try {
            for (;;) yield await Promise.resolve(new Uint8Array(1024))
          } finally {
            running--
          }
        }
      })
    })
    const request = await dialRaw(scene, channelKind.request)
    const bulk = await dialRaw(scene, channelKind.bulk)
    bulk.send(...Array.from({ length: 8 }, (_, index) => pull(index + 1, 4096)))
    request.send({ type: frameType.event, name: 'test.event', body: empty })
    await time.advance(50)
    expect(running).toBe(8)
    expect(asked).toBe(1)
    scene.hub.setConditions('victim', 'mallory', { isCut: true }) // so it learns nothing of the close
    void connections[0]?.close('its rights have ended')
    await time.advance(10)
    expect(running).toBe(0)
    const before = bulk.frames.length
    request.send({ type: frameType.event, name: 'test.event', body: empty })
    await time.advance(100)
    expect(asked).toBe(1)
    expect(bulk.frames.length).toBe(before)
  })
})

describe('a peer that begins long frames and leaves them', () => {
  const mebibyte = 1024 * 1024
  const limits = { strangerFrameBytesMax: 3 * mebibyte }
  const long = { type: frameType.event, name: 'long', body: new Uint8Array(mebibyte - 100) } as const

  /** The beginning of a long frame on each of five channels of one connection. */
  async function beginFrames(scene: Scene, isTrusted: boolean): Promise<readonly RawChannel[]> {
    scene.victim.onConnection((connection) => {
      connection.serve({
        request: () => Promise.resolve(empty),
        event: () => undefined,
        stream: () => {
          throw new Error('no such stream')
        }
      })
      if (isTrusted) connection.trust()
    })
    const channels = [await dialRaw(scene, channelKind.request)]
    for (let bulk = 0; bulk < 4; bulk++) channels.push(await dialRaw(scene, channelKind.bulk))
    for (const { link } of channels) {
      const { header, body } = encodeFrame(long)
      link.send([header, body.subarray(0, 1000)])
      await scene.time.advance(10)
    }
    return channels
  }

  test('holds no more of them than a bound over all connections, and the rest is closed', async () => {
    const scene = start(limits)
    const channels = await beginFrames(scene, false)
    expect(channels.map(({ isOver }) => isOver)).toEqual([false, false, false, true, true])
  })

  test('gives the room back when they come whole or it goes, and small ones need none', async () => {
    const scene = start(limits)
    const [first, ...rest] = await beginFrames(scene, false)
    const { body } = encodeFrame(long)
    first?.link.send([body.subarray(1000)])
    await scene.time.advance(10)
    first?.send({ ...long, body: new Uint8Array(1000) })
    first?.link.send([encodeFrame(long).header, body.subarray(0, 1000)])
    await scene.time.advance(10)
    expect(first?.isOver).toBe(false)
    for (const { link } of rest) link.destroy()
    await scene.time.advance(10)
    const bulk = await dialRaw(scene, channelKind.bulk)
    bulk.link.send([encodeFrame(long).header, body.subarray(0, 1000)])
    await scene.time.advance(10)
    expect(bulk.isOver).toBe(false)
  })

  test('is not counted when the owner of the network trusts it', async () => {
    const channels = await beginFrames(start(limits), true)
    expect(channels.map(({ isOver }) => isOver)).toEqual([false, false, false, false, false])
  })
})

describe('a peer whose requests are not answered yet', () => {
  async function busyAnswers(isTrusted: boolean): Promise<number> {
    const scene = start({ strangerRequestBytesMax: 2 * 1024 * 1024 })
    scene.victim.onConnection((connection) => {
      connection.serve({
        request: () => new Promise(() => undefined),
        event: () => undefined,
        stream: () => {
          throw new Error('no such stream')
        }
      })
      if (isTrusted) connection.trust()
    })
    const channel = await dialRaw(scene, channelKind.request)
    const body = new Uint8Array(1_000_000)
    for (let id = 1; id <= 5; id++)
      channel.send({ type: frameType.request, id, timeoutMs: 600_000, method: 'test.wait', body })
    await scene.time.advance(1000)
    const busy = channel.frames.filter((frame) => frame.type === frameType.error)
    expect(busy.every((frame) => 'code' in frame && frame.code === 'ERR_NETWORK_BUSY')).toBe(true)
    return busy.length
  }

  test('has little of them held before it is trusted', async () => {
    expect(await busyAnswers(false)).toBe(3)
  })

  test('has as much held as others when it is', async () => {
    expect(await busyAnswers(true)).toBe(0)
  })
})
