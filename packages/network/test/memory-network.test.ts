import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryNetwork, createVirtualTime } from '@blocktree/network/memory'
import { type ConformanceDriver, testNetwork } from '@blocktree/network/conformance'
import { type Connection, type Network, systemTimers } from '@blocktree/network'
import type { ProvenLink } from '../src/byte-link.ts'
import { joinBare } from '../src/memory-network.ts'
import { parseAddress } from '../src/address.ts'
import { encodeFrame, frameType } from '../src/frame.ts'
import { arbitraryFrame } from './arbitrary-frame.ts'
import { keyOf, seededRandom } from './keys.ts'

testNetwork('memory', () => Promise.resolve(memoryDriver()))

function memoryDriver(): ConformanceDriver {
  const hub = createMemoryNetwork({ timers: systemTimers, random: seededRandom(1) })
  const networks: Network[] = []
  const open: ConformanceDriver['open'] = (limits) => {
    const number = networks.length + 1
    const localKey = keyOf(number)
    const network = hub.join({
      name: `node-${number}`,
      localKey,
      ...(limits === undefined ? {} : { limits })
    })
    networks.push(network)
    return Promise.resolve(network)
  }
  return {
    open,
    dialRaw: async (address) => {
      const parsed = parseAddress(address)
      const transport = joinBare(hub, 'stranger', keyOf(200))
      const proven: ProvenLink = await transport.dial(
        parsed,
        parsed.peerKey ?? new Uint8Array(),
        new AbortController().signal
      )
      return proven.link
    },
    cuttable: (address) => {
      const name = parseAddress(address).parts[0]?.value ?? ''
      return Promise.resolve({
        address,
        cut() {
          for (const other of hub.names) {
            hub.setConditions(other, name, { isCut: true })
            hub.setConditions(name, other, { isCut: true })
          }
        }
      })
    },
    close: async () => {
      await Promise.all(networks.map((network) => network.close()))
    }
  }
}

describe('virtual time', () => {
  test('runs what is due in the order of time and start', async () => {
    const time = createVirtualTime(100)
    const order: string[] = []
    time.start(20, () => order.push(`b ${time.now()}`))
    time.start(10, () => order.push(`a ${time.now()}`))
    time.start(20, () => order.push(`c ${time.now()}`))
    const stop = time.start(15, () => order.push('never'))
    time.start(31, () => order.push('late'))
    stop()
    stop()
    await time.advance(30)
    expect(order).toEqual(['a 110', 'b 120', 'c 120'])
    expect([time.now(), time.pending]).toEqual([130, 1])
  })

  test('lets promises settle between two timers, and waits for one', async () => {
    const time = createVirtualTime()
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => time.start(ms, resolve))
    const work = (async () => {
      for (let step = 0; step < 5; step++) await sleep(10)
      return time.now()
    })()
    expect(await time.until(work)).toBe(50)
    await expect(time.until(sleep(100), 50)).rejects.toThrow('not settled')
  })
})

/** Two nodes, connected, under virtual time. */
async function pair(seed = 1) {
  const time = createVirtualTime()
  const hub = createMemoryNetwork({ timers: time, random: seededRandom(seed), conditions: { delayMs: 10 } })
  const here = hub.join({ name: 'here', localKey: keyOf(1) })
  const there = hub.join({ name: 'there', localKey: keyOf(2) })
  const shown = Promise.withResolvers<Connection>()
  there.onConnection((connection) => {
    connection.serve({
      request: (_method, body) => Promise.resolve(body),
      event: () => {},
      async *stream(_method, head) {
        for (let index = 0; index < (head[0] ?? 0); index++) yield Promise.resolve(new Uint8Array(100_000))
      }
    })
    shown.resolve(connection)
  })
  const local = await time.until(here.dial(there.addresses()[0] ?? ''))
  return { time, hub, here, there, local, remote: await shown.promise }
}

const body = Uint8Array.of(1, 2, 3)

describe('memory network', () => {
  test('a request takes its delay there and back', async () => {
    const { time, local } = await pair()
    const started = time.now()
    await time.until(local.request('echo', body))
    expect(time.now() - started).toBe(20)
  })

  test('a narrow link takes as long as its bytes', async () => {
    const { time, hub, local } = await pair()
    hub.setConditions('there', 'here', { bytesPerSecond: 100_000 })
    const started = time.now()
    await time.until(Array.fromAsync(local.pull('bulk', Uint8Array.of(10))))
    expect(time.now() - started).toBeGreaterThan(10_000)
    expect(time.now() - started).toBeLessThan(10_500)
  })

  test('what was sent into a short cut arrives after it', async () => {
    const { time, hub, local } = await pair()
    hub.partition(['here'], ['there'])
    const request = local.request('echo', body)
    await time.advance(5000)
    hub.heal()
    expect(await time.until(request)).toEqual(body)
  })

  test('a long cut, also of one direction, ends the connection on both sides', async () => {
    const { time, hub, local, remote } = await pair()
    hub.setConditions('there', 'here', { isCut: true })
    expect(await time.until(local.closed)).toContain('nothing was heard')
    await time.until(remote.closed)
  })

  test('a machine that vanishes is noticed by silence, and a new one of its name is let in', async () => {
    const { time, hub, here, local } = await pair()
    hub.vanish('there')
    const request = local.request('echo', body, { timeoutMs: 1000 })
    await expect(time.until(request)).rejects.toMatchObject({ code: 'ERR_NETWORK_TIMEOUT' })
    const again = hub.join({ name: 'there', localKey: keyOf(2) })
    const shown = Promise.withResolvers<Connection>()
    here.onConnection(shown.resolve)
    await time.until(again.dial(here.addresses()[0] ?? ''))
    expect(await time.until(local.closed)).toBe('the peer has started anew')
    expect((await shown.promise).remoteKey).toEqual(keyOf(2))
  })

  test('a reset is told to both', async () => {
    const { time, hub, local, remote } = await pair()
    hub.reset('here', 'there')
    expect([await time.until(local.closed), await time.until(remote.closed)]).toEqual(['reset', 'reset'])
  })

  test('lost segments come late, in order', async () => {
    const { time, hub, local } = await pair()
    hub.setConditions('here', 'there', { loss: 0.5, jitterMs: 30 })
    const started = time.now()
    for (let index = 0; index < 20; index++) {
      expect(await time.until(local.request('echo', Uint8Array.of(index)))).toEqual(Uint8Array.of(index))
    }
    expect(time.now() - started).toBeGreaterThan(20 * 20 + 200)
  })

  test('the same seed gives the same run, another one another', async () => {
    const run = async (seed: number): Promise<number> => {
      const { time, hub, local } = await pair(seed)
      hub.setConditions('here', 'there', { loss: 0.3, jitterMs: 50 })
      for (let index = 0; index < 10; index++) await time.until(local.request('echo', body))
      return time.now()
    }
    expect(await run(7)).toBe(await run(7))
    expect(await run(7)).not.toBe(await run(8))
  })

  test('an idle connection exchanges a ping each keep-alive and nothing else', async () => {
    const { time, local } = await pair()
    const before = local.statistics.bytesOut
    await time.advance(3_600_000)
    expect(local.statistics.bytesOut - before).toBeLessThan(5000)
  })

  test('after closing nothing is left in the timers', async () => {
    const { time, here, there, local } = await pair()
    await time.until(local.request('echo', body))
    await time.until(Array.fromAsync(local.pull('bulk', Uint8Array.of(1))))
    await time.until(Promise.all([here.close(), there.close()]))
    await time.advance(10)
    expect(time.pending).toBe(0)
  })
})

describe('two peers that dial each other', () => {
  test('end with one connection, the same for both, whatever the delays', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const time = createVirtualTime()
      const random = seededRandom(seed)
      const hub = createMemoryNetwork({ timers: time, random, conditions: { delayMs: 5, jitterMs: 80 } })
      const nodes = [1, 2].map((number) => hub.join({ name: `node-${number}`, localKey: keyOf(number) }))
      const held = nodes.map(() => new Set<Connection>())
      const keep = (index: number, connection: Connection): void => {
        held[index]?.add(connection)
        void connection.closed.then(() => held[index]?.delete(connection))
      }
      for (const [index, node] of nodes.entries()) node.onConnection((connection) => keep(index, connection))
      const dials = nodes.map(async (node, index) => {
        await new Promise<void>((resolve) => time.start(random() * 100, resolve))
        keep(index, await node.dial(nodes[1 - index]?.addresses()[0] ?? ''))
      })
      await time.until(Promise.all(dials))
      await time.advance(10_000)
      const [here = [], there = []] = held.map((connections) => [...connections])
      expect([seed, here.length, there.length]).toEqual([seed, 1, 1])
      expect(new Set([here[0]?.direction, there[0]?.direction]).size).toBe(2)
    }
  })
})

describe('an enemy', () => {
  test('that sends any frames in any order gets a working network to do nothing else', async () => {
    const small = arbitraryFrame.map((frame) => ('id' in frame ? { ...frame, id: frame.id % 4 } : frame))
    await fc.assert(
      fc.asyncProperty(
        fc.array(small, { maxLength: 30 }),
        fc.integer({ min: 0, max: 1 }),
        async (frames, kind) => {
          const { time, hub, there, local } = await pair()
          const enemy = joinBare(hub, 'enemy', keyOf(66))
          enemy.open({ accepted: () => {}, addressesChanged: () => {}, directWay: () => {} })
          const session = new Uint8Array(16)
          const hellos = [0, kind].map((channel) => ({
            ...{ type: frameType.hello, version: 1, channel, instance: session, session }
          }))
          for (const hello of hellos) {
            const address = parseAddress(there.addresses()[0] ?? '')
            const { link } = await time.until(enemy.dial(address, keyOf(2), new AbortController().signal))
            link.open({ receive: () => {}, drained: () => {}, ended: () => {} })
            for (const frame of [hello, ...frames]) {
              const { header, body } = encodeFrame(frame)
              link.send([header, body])
            }
          }
          await time.advance(100)
          expect(await time.until(local.request('echo', Uint8Array.of(9)))).toEqual(Uint8Array.of(9))
        }
      ),
      { numRuns: process.env['SLOW'] === '1' ? 2000 : 60 }
    )
  })
})
