import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type Connection,
  type ConnectionHandlers,
  createCompositeNetwork,
  type Network
} from '@blocktree/network'
import { testNetwork } from '@blocktree/network/conformance'
import { createLibp2pNetwork } from '@blocktree/network/libp2p'
import { createTlsNetwork } from '@blocktree/network/tls'
import { parseAddress } from '../src/address.ts'
import { createTlsTransport } from '../src/tls-network.ts'
import { createSocketDriver } from './socket-driver.ts'

const tls = ['/ip4/127.0.0.1/tcp/0/tls']
const tcp = ['/ip4/127.0.0.1/tcp/0']

const echo: ConnectionHandlers = {
  request: (_method, body) => Promise.resolve(body),
  event: () => {},
  async *stream() {
    yield await Promise.resolve(new Uint8Array(1))
  }
}

async function openBoth(seed: Uint8Array): Promise<Network> {
  const [first, { network: second }] = await Promise.all([
    createTlsNetwork({ seed, listen: tls }),
    createLibp2pNetwork({ seed, listen: tcp })
  ])
  return createCompositeNetwork([first, second])
}

testNetwork('TLS beside another driver', () =>
  Promise.resolve(
    createSocketDriver({
      open: (seed, limits) =>
        createTlsNetwork({ seed, listen: tls, ...(limits === undefined ? {} : { limits }) }).then((network) =>
          createCompositeNetwork([network])
        ),
      async dialRaw(text) {
        const address = parseAddress(text)
        const transport = createTlsTransport({ seed: randomBytes(32) })
        const { signal } = new AbortController()
        const { link } = await transport.dial(address, address.peerKey ?? new Uint8Array(), signal)
        return { link, close: () => transport.close() }
      }
    })
  )
)

describe('composite network', () => {
  test('dials each address with the driver that speaks it', async () => {
    const there = await openBoth(randomBytes(32))
    there.onConnection((connection) => connection.serve(echo))
    expect(there.addresses()).toHaveLength(2)
    for (const address of there.addresses()) {
      const here = await openBoth(randomBytes(32))
      expect(here.canDial(address)).toBe(true)
      const connection = await here.dial(address)
      expect(connection.remoteAddress).toBe(address)
      expect(await connection.request('echo', Uint8Array.of(1))).toEqual(Uint8Array.of(1))
      await here.close()
    }
    await there.close()
  })

  test('uses the open connection for every address of the peer', async () => {
    const [here, there] = [await openBoth(randomBytes(32)), await openBoth(randomBytes(32))]
    const shown: Connection[] = []
    there.onConnection((connection) => shown.push(connection))
    const connections = []
    for (const address of there.addresses()) connections.push(await here.dial(address))
    expect(new Set(connections).size).toBe(1)
    expect(shown).toHaveLength(1)
    expect(await there.dial(here.addresses()[1] ?? '')).toBe(shown[0])
    await Promise.all([here.close(), there.close()])
  })

  test('is not made of nothing, nor of different keys', async () => {
    expect(() => createCompositeNetwork([])).toThrow(TypeError)
    const networks = [
      await createTlsNetwork({ seed: randomBytes(32) }),
      await createTlsNetwork({ seed: randomBytes(32) })
    ]
    expect(() => createCompositeNetwork(networks)).toThrow(TypeError)
    await Promise.all(networks.map((network) => network.close()))
  })
})
