import { createSocket } from 'node:dgram'
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { testNetwork } from '@blocktree/network/conformance'
import { createLibp2pNetwork } from '@blocktree/network/libp2p'
import { parseAddress } from '../src/address.ts'
import { createLibp2pTransport } from '../src/libp2p-transport.ts'
import { isQuicInstalled } from './quic-package.ts'
import { createSocketDriver } from './socket-driver.ts'

const listen = ['/ip4/127.0.0.1/udp/0/quic-v1']
const features = { quic: true }

describe.runIf(isQuicInstalled)('QUIC (needs npm package @chainsafe/libp2p-quic)', () => {
  testNetwork('libp2p over QUIC', () =>
    Promise.resolve(
      createSocketDriver({
        async open(seed, limits) {
          const { network } = await createLibp2pNetwork({
            seed,
            listen,
            features,
            ...(limits === undefined ? {} : { limits })
          })
          return network
        },
        async dialRaw(text) {
          const address = parseAddress(text)
          const transport = await createLibp2pTransport({ seed: randomBytes(32), features })
          const { signal } = new AbortController()
          const { link } = await transport.dial(address, address.peerKey ?? new Uint8Array(), signal)
          return { link, close: () => transport.close() }
        }
      })
    )
  )

  test('one who begins a handshake and falls silent keeps nobody else out', async () => {
    const open = (more = {}): ReturnType<typeof createLibp2pNetwork> =>
      createLibp2pNetwork({ seed: randomBytes(32), features, ...more })
    const there = await open({ listen })
    const [silent, here] = [await open(), await open()]
    there.network.onConnection((connection) =>
      connection.serve({
        request: (_name, body) => Promise.resolve(body),
        event: () => {},
        async *stream() {}
      })
    )
    const [address = ''] = there.network.addresses()
    const port = /\/udp\/(\d+)/.exec(address)?.[1] ?? ''
    const first = createSocket('udp4')
    const heard = Promise.withResolvers<void>()
    first.once('message', (datagram) =>
      first.send(datagram, Number(port), '127.0.0.1', () => heard.resolve())
    )
    await new Promise<void>((resolve) => {
      first.bind(0, '127.0.0.1', resolve)
    })
    const given = new AbortController()
    const beginning = silent.network.dial(address.replace(`/udp/${port}`, `/udp/${first.address().port}`), {
      signal: given.signal
    })
    beginning.catch(() => {})
    await heard.promise
    const connection = await here.network.dial(address, { timeoutMs: 10_000 })
    expect(await connection.request('echo', Uint8Array.of(1))).toEqual(Uint8Array.of(1))
    given.abort()
    await expect(beginning).rejects.toMatchObject({ code: 'ERR_NETWORK_CANCELLED' })
    first.close()
    await Promise.all([there, silent, here].map(({ network }) => network.close()))
  })
})
