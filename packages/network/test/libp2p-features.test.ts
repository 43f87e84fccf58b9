import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Connection, type ConnectionHandlers, formatPeerId, type Network } from '@blocktree/network'
import {
  createLibp2pNetwork,
  type Libp2pFeatures,
  type Libp2pNetwork,
  type Libp2pNetworkOptions
} from '@blocktree/network/libp2p'
import { openTransportIdentity } from '../src/transport-identity.ts'

const listen = ['/ip4/127.0.0.1/tcp/0']
const empty = new Uint8Array()

/** Runs with networks that are closed at the end, whatever happens. */
async function withNetworks(
  run: (open: (options?: Partial<Libp2pNetworkOptions>) => Promise<Libp2pNetwork>) => Promise<void>
): Promise<void> {
  const made: Libp2pNetwork[] = []
  try {
    await run(async (options) => {
      const one = await createLibp2pNetwork({ seed: randomBytes(32), listen, ...options })
      one.network.onConnection((connection) => connection.serve(echo))
      made.push(one)
      return one
    })
  } finally {
    await Promise.all(made.map(({ network }) => network.close()))
  }
}

const echo: ConnectionHandlers = {
  request: (_method, body) => Promise.resolve(body),
  event: () => {},
  async *stream(_method, head) {
    for (let index = 0; index < (head[0] ?? 0); index++) yield Promise.resolve(new Uint8Array(1024 * 1024))
  }
}

function addressOf(network: Network, part = ''): string {
  const address = network.addresses().find((one) => one.includes(part))
  if (address === undefined)
    throw new Error(`no address with "${part}" among ${network.addresses().join(' ')}`)
  return address
}

describe('libp2p key', () => {
  test('of a seed is the Ed25519 key of that seed, not one of another kind', async () => {
    await withNetworks(async (open) => {
      const seed = new Uint8Array(32).fill(9)
      const { network } = await open({ seed })
      expect(network.localKey).toEqual(openTransportIdentity(seed).publicKey)
      expect(addressOf(network)).toContain(`/p2p/${formatPeerId(network.localKey)}`)
    })
  })

  test('is not made of anything but 32 bytes', async () => {
    await expect(createLibp2pNetwork({ seed: new Uint8Array(64) })).rejects.toThrow(RangeError)
  })
})

describe('libp2p', () => {
  test('is loaded when a network is made and not before', () => {
    const program = `const { registerHooks } = await import('node:module')
      const loaded = []
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
      const isLoaded = () => loaded.some((url) => url.includes('/node_modules/libp2p/'))
      const { createLibp2pNetwork } = await import('@blocktree/network/libp2p')
      await import('@blocktree/network')
      const before = isLoaded()
      const { network } = await createLibp2pNetwork({ seed: new Uint8Array(32) })
      await network.close()
      console.log(before, isLoaded())`
    const result = execFileSync(
      process.execPath,
      ['--conditions=source', '--input-type=module', '--eval', program],
      { cwd: import.meta.dirname, encoding: 'utf8' }
    )
    expect(result.trim()).toBe('false true')
  })

  test('without the package of a feature says which one is missing', () => {
    const program = `
      import { registerHooks } from 'node:module'
      registerHooks({
        resolve(name, context, next) {
          if (name === '@chainsafe/libp2p-quic') throw new Error('not installed')
          return next(name, context)
        }
      })
      const { createLibp2pNetwork } = await import('../src/libp2p-network.ts')
      const open = createLibp2pNetwork({ seed: new Uint8Array(32).fill(1), features: { quic: true } })
      console.log(await open.then(() => 'opened', ({ code, message }) => code + ' ' + message))
      process.exit(0)`
    const result = execFileSync(
      process.execPath,
      ['--conditions=source', '--input-type=module', '--eval', program],
      { cwd: import.meta.dirname, encoding: 'utf8' }
    )
    expect(result).toMatch(/^ERR_NETWORK_FEATURE_MISSING QUIC needs the package @chainsafe\/libp2p-quic/u)
  })

  test('carries more channels for bulk than its default of streams for a protocol', async () => {
    await withNetworks(async (open) => {
      const [here, there] = [await open(), await open()]
      const local = await here.network.dial(addressOf(there.network))
      const totals = await Promise.all(
        Array.from({ length: 40 }, async () => {
          let total = 0
          for await (const chunk of local.pull('x', Uint8Array.of(1))) total += chunk.length
          return total
        })
      )
      expect(totals).toEqual(Array.from({ length: 40 }, () => 1024 * 1024))
    })
  })

  test('takes more connections a second than its default when told to', async () => {
    await withNetworks(async (open) => {
      const there = await open({ limits: { channelsPerSecondMax: 100 } })
      const dialled = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const { network } = await open({ listen: [] })
          return network.dial(addressOf(there.network))
        })
      )
      expect(dialled).toHaveLength(8)
    })
  })

  test('speaks over WebSockets when they are switched on', async () => {
    await withNetworks(async (open) => {
      const features = { webSockets: true }
      const there = await open({ listen: ['/ip4/127.0.0.1/tcp/0/ws'], features })
      const here = await open({ features, listen: [] })
      const local = await here.network.dial(addressOf(there.network, '/ws'))
      expect(await local.request('echo', Uint8Array.of(1))).toEqual(Uint8Array.of(1))
      const without = await open({ listen: [] })
      await expect(without.network.dial(addressOf(there.network, '/ws'))).rejects.toMatchObject({
        code: 'ERR_NETWORK_UNREACHABLE'
      })
    })
  })

  test('finds a node through others with the DHT', async () => {
    await withNetworks(async (open) => {
      const first = await open({ features: { dht: { mode: 'server', bootstrap: [] } } })
      const bootstrap = [addressOf(first.network)]
      const features: Libp2pFeatures = { dht: { mode: 'server', bootstrap } }
      const [second, third] = [await open({ features }), await open({ features })]
      await expect
        .poll(() => third.discovery.find(second.network.localKey, { timeoutMs: 2000 }), { timeout: 15_000 })
        .toContain(addressOf(second.network))
      const found = await third.discovery.find(second.network.localKey)
      expect(new Set(found).size).toBe(found.length)
      expect(await third.discovery.find(randomKey(), { timeoutMs: 500 })).toEqual([])
    })
  })

  test('finds a client of the DHT that has announced itself', async () => {
    await withNetworks(async (open) => {
      const first = await open({ features: { dht: { mode: 'server', bootstrap: [] } } })
      const bootstrap = [addressOf(first.network)]
      const other = await open({ features: { dht: { mode: 'server', bootstrap } } })
      const client = await open({ features: { dht: { mode: 'client', bootstrap } } })
      await expect
        .poll(
          () =>
            client.discovery.announce({ timeoutMs: 3000 }).then(
              () => true,
              () => false
            ),
          { timeout: 15_000 }
        )
        .toBe(true)
      await expect
        .poll(() => other.discovery.find(client.network.localKey, { timeoutMs: 2000 }), { timeout: 15_000 })
        .toContain(addressOf(client.network))
      const alone = await open()
      await expect(alone.discovery.announce({ timeoutMs: 500 })).rejects.toMatchObject({
        code: 'ERR_NETWORK_UNREACHABLE'
      })
    })
  })

  test('keeps records in the DHT that its rule lets pass, gives the newest, and neither keeps nor believes others', async () => {
    await withNetworks(async (open) => {
      // a record is its number, and begins with its name
      const check = (name: Uint8Array, record: Uint8Array): number => {
        const [number = 0] = record.subarray(32)
        const isGood =
          record.length === 33 && Buffer.from(record.subarray(0, 32)).equals(name) && number < 100
        if (!isGood) throw new RangeError('no record')
        return number
      }
      const record = (name: Uint8Array, number: number): Uint8Array => Uint8Array.of(...name, number)
      const server = await open({ features: { dht: { mode: 'server', bootstrap: [] } }, records: { check } })
      const bootstrap = [addressOf(server.network)]
      const features: Libp2pFeatures = { dht: { mode: 'client', bootstrap } }
      const anything = { check: (_: Uint8Array, bytes: Uint8Array): number => bytes.at(-1) ?? 0 }
      const [honest, liar, asking] = [
        await open({ features, records: { check } }),
        await open({ features, records: anything }),
        await open({ features, records: { check } })
      ]
      const publish = (one: Libp2pNetwork, name: Uint8Array, bytes: Uint8Array): Promise<boolean> =>
        one.discovery.publish(name, bytes, { timeoutMs: 3000 }).then(
          () => true,
          () => false
        )
      const [name, other] = [randomKey(), randomKey()]
      await expect
        .poll(() => publish(honest, name, record(name, 5)), { timeout: 20_000, interval: 200 })
        .toBe(true)
      const found = (): Promise<readonly Uint8Array[]> => asking.discovery.resolve(name, { timeoutMs: 3000 })
      await expect.poll(found, { timeout: 20_000, interval: 200 }).toEqual([record(name, 5)])
      await publish(liar, name, record(other, 9)) // of somebody else
      await publish(liar, name, record(name, 100)) // over
      await publish(liar, other, new Uint8Array(5000))
      expect(await found()).toEqual([record(name, 5)])
      expect(await asking.discovery.resolve(other, { timeoutMs: 500 })).toEqual([])
      await publish(honest, name, record(name, 6))
      await expect.poll(found, { timeout: 20_000, interval: 200 }).toEqual([record(name, 6)])
      const alone = await open()
      expect(await alone.discovery.resolve(name, { timeoutMs: 500 })).toEqual([])
      await expect(alone.discovery.publish(name, record(name, 7), { timeoutMs: 500 })).rejects.toMatchObject({
        code: 'ERR_NETWORK_UNREACHABLE'
      })
    })
  })

  test('is told of at the announced addresses and through relays alone when that is asked for', async () => {
    await withNetworks(async (open) => {
      const relay = await open({ features: { relayServer: { reservationsMax: 10 } } })
      const { network } = await open({
        listen: [...listen, `${addressOf(relay.network)}/p2p-circuit`],
        announce: ['/ip4/192.0.2.1/tcp/7'],
        announceOnly: true,
        features: { relay: true }
      })
      await expect.poll(() => network.addresses().length, { timeout: 10_000 }).toBe(2)
      expect(addressOf(network, '/ip4/192.0.2.1/tcp/7')).toContain('/p2p/')
      expect(addressOf(network, '/p2p-circuit')).toContain(formatPeerId(relay.network.localKey))
    })
  })

  test('keeps asking for a place at a relay that is not there yet', async () => {
    await withNetworks(async (open) => {
      const seed = randomBytes(32)
      const first = await open({ seed })
      const address = addressOf(first.network)
      await first.network.close()
      const there = await open({ listen: [`${address}/p2p-circuit`], features: { relay: true } })
      expect(there.network.addresses()).toEqual([])
      const port = /\/tcp\/(\d+)\//.exec(address)?.[1] ?? ''
      const features = { relayServer: { reservationsMax: 10 } }
      await open({ seed, listen: [`/ip4/127.0.0.1/tcp/${port}`], features })
      await expect
        .poll(() => there.network.addresses().some((one) => one.includes('p2p-circuit')), { timeout: 20_000 })
        .toBe(true)
    })
  })

  test('moves from a relayed connection to a direct one when that is asked for, and what is under way ends well', async () => {
    await withNetworks(async (open) => {
      const relay = await open({ features: { relayServer: { reservationsMax: 10 } } })
      const there = await open({
        listen: [...listen, `${addressOf(relay.network)}/p2p-circuit`],
        features: { relay: true }
      })
      await expect.poll(() => there.network.addresses().some((one) => one.includes('p2p-circuit'))).toBe(true)
      const here = await open({ listen: [], features: { relay: true } })
      const direct = there.network.addresses().find((one) => !one.includes('p2p-circuit')) ?? ''
      const relayed = await here.network.dial(addressOf(there.network, 'p2p-circuit'))
      expect(relayed.relayed).toBe(true)
      expect(await here.network.dial(direct)).toBe(relayed) // one connection is enough for most
      const chunks = relayed.pull('bulk', Uint8Array.of(8))[Symbol.asyncIterator]()
      await chunks.next()
      const better = await here.network.dial(direct, { isDirect: true })
      expect([better.relayed, formatPeerId(better.remoteKey)]).toEqual([
        false,
        formatPeerId(there.network.localKey)
      ])
      expect(await here.network.dial(direct)).toBe(better)
      let rest = 0
      while ((await chunks.next()).done !== true) rest++
      expect(rest).toBe(7)
      expect(await relayed.closed).toContain('a second connection')
      expect(await better.request('echo', Uint8Array.of(1))).toEqual(Uint8Array.of(1))
    })
  })

  // multicast goes to every real network, so only where one can be made for the test alone
  test.runIf(canMakeNetwork())('finds a node nearby by mDNS (needs unshare and iproute2)', () => {
    const program = join(import.meta.dirname, 'fixtures', 'mdns-program.ts')
    const found = inOwnNetwork(process.execPath, '--conditions=source', program)
    expect(found.trim()).toBe('true')
  })

  test('reaches a node through a relay, without bound for its own and with one when set', async () => {
    await withNetworks(async (open) => {
      const relay = await open({ features: { relayServer: { reservationsMax: 10 } } })
      const relayAddress = addressOf(relay.network)
      const there = await open({ listen: [`${relayAddress}/p2p-circuit`], features: { relay: true } })
      await expect.poll(() => there.network.addresses().some((one) => one.includes('p2p-circuit'))).toBe(true)
      const here = await open({ listen: [], features: { relay: true } })
      const local = await here.network.dial(addressOf(there.network, 'p2p-circuit'))
      expect([local.relayed, formatPeerId(local.remoteKey)]).toEqual([
        true,
        formatPeerId(there.network.localKey)
      ])
      let total = 0
      for await (const chunk of local.pull('bulk', Uint8Array.of(3))) total += chunk.length
      expect(total).toBe(3 * 1024 * 1024)
    })
    await withNetworks(async (open) => {
      const connectionBound = { bytes: 200_000, durationMs: 60_000 }
      const relay = await open({ features: { relayServer: { reservationsMax: 10, connectionBound } } })
      const relayAddress = addressOf(relay.network)
      const there = await open({ listen: [`${relayAddress}/p2p-circuit`], features: { relay: true } })
      await expect.poll(() => there.network.addresses().some((one) => one.includes('p2p-circuit'))).toBe(true)
      const here = await open({ listen: [], features: { relay: true } })
      const local = await here.network.dial(addressOf(there.network, 'p2p-circuit'))
      expect(await local.request('echo', empty)).toEqual(empty)
      await expect(Array.fromAsync(local.pull('bulk', Uint8Array.of(3)))).rejects.toMatchObject({
        code: 'ERR_NETWORK_CLOSED'
      })
    })
  })

  test('carries signed messages on topics', async () => {
    await withNetworks(async (open) => {
      const features = { gossipsub: true }
      const [here, there] = [await open({ features }), await open({ features })]
      const got: [string, Uint8Array][] = []
      there.topics?.subscribe('news', (from, body) => got.push([formatPeerId(from), body]))
      await here.network.dial(addressOf(there.network))
      await expect
        .poll(
          async () => {
            await here.topics?.publish('news', Uint8Array.of(5))
            return got[0]
          },
          { timeout: 10_000, interval: 200 }
        )
        .toEqual([formatPeerId(here.network.localKey), Uint8Array.of(5)])
      await expect(here.topics?.publish('news', new Uint8Array(65_537))).rejects.toMatchObject({
        code: 'ERR_NETWORK_TOO_LONG'
      })
      expect((await open()).topics).toBeUndefined()
    })
  })

  test('starts with everything that needs no other network switched on', async () => {
    await withNetworks(async (open) => {
      const features: Libp2pFeatures = {
        ...{ identify: true, ping: true, relay: true, holePunching: true, autonat: true, gossipsub: true },
        ...{ webSockets: true, dht: { mode: 'client', bootstrap: [] }, relayServer: { reservationsMax: 1 } }
      }
      const [here, there] = [await open({ features }), await open({ features })]
      const local: Connection = await here.network.dial(addressOf(there.network))
      expect(await local.request('echo', Uint8Array.of(1))).toEqual(Uint8Array.of(1))
    })
  })
})

function inOwnNetwork(...command: readonly string[]): string {
  const setUp = 'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo && exec "$@"'
  return execFileSync('unshare', ['-rn', 'sh', '-c', setUp, 'sh', ...command], {
    encoding: 'utf8',
    timeout: 25_000,
    stdio: ['ignore', 'pipe', 'ignore']
  })
}

function canMakeNetwork(): boolean {
  try {
    inOwnNetwork('true')
    return true
  } catch {
    return false
  }
}

function randomKey(): Uint8Array {
  return openTransportIdentity(randomBytes(32)).publicKey
}
