import { randomBytes } from 'node:crypto'
import { testNetwork } from '@blocktree/network/conformance'
import { createLibp2pNetwork } from '@blocktree/network/libp2p'
import { parseAddress } from '../src/address.ts'
import { createLibp2pTransport } from '../src/libp2p-transport.ts'
import { createSocketDriver } from './socket-driver.ts'

const listen = ['/ip4/127.0.0.1/tcp/0']

testNetwork('libp2p', () =>
  Promise.resolve(
    createSocketDriver({
      async open(seed, limits) {
        const { network } = await createLibp2pNetwork({
          seed,
          listen,
          ...(limits === undefined ? {} : { limits })
        })
        return network
      },
      async dialRaw(text) {
        const address = parseAddress(text)
        const transport = await createLibp2pTransport({ seed: randomBytes(32) })
        const { signal } = new AbortController()
        const { link } = await transport.dial(address, address.peerKey ?? new Uint8Array(), signal)
        return { link, close: () => transport.close() }
      }
    })
  )
)
