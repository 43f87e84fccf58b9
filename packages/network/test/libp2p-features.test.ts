import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
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

  test('without an optional package says which one is missing', async () => {
    const isInstalled = canResolve('@chainsafe/libp2p-quic')
    const quic = createLibp2pNetwork({ seed: randomBytes(32), features: { quic: true } })
    if (isInstalled) await (await quic).network.close()
    else await expect(quic).rejects.toMatchObject({ code: 'ERR_NETWORK_FEATURE_MISSING' })
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

  // multicast goes to every real network, so only where one can be made for the test alone
  test.runIf(canMakeNetwork())('finds a node nearby by mDNS (needs unshare and ip)', () => {
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

function canResolve(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}

function randomKey(): Uint8Array {
  return openTransportIdentity(randomBytes(32)).publicKey
}
