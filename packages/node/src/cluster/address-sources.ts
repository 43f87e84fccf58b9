/** Where members may be, beside the address book: the local network, the distributed table, the relays; asked in this order. */
import type { AddressDiscovery, AddressSource } from '@blocktree/cluster'
import { withPeer } from '@blocktree/network'
import type { Discovery } from '@blocktree/network/libp2p'

/** @param relays multiaddrs that end in a peer id */
export function createAddressDiscovery(discovery: Discovery, relays: readonly string[]): AddressDiscovery {
  const sources: readonly AddressSource[] = [
    {
      origin: 'mdns',
      find: ({ key }) => Promise.resolve({ addresses: key === undefined ? [] : discovery.nearby(key) })
    },
    {
      origin: 'dht',
      async find({ principal, key }) {
        const endpoints = await discovery.resolve(principal)
        return { endpoints, addresses: key === undefined ? [] : await discovery.find(key) }
      }
    },
    {
      origin: 'relay',
      find: ({ key }) =>
        Promise.resolve({
          addresses: key === undefined ? [] : relays.map((relay) => withPeer(`${relay}/p2p-circuit`, key))
        })
    }
  ]
  return { sources, onFound: (listener) => discovery.onFound(listener) }
}
