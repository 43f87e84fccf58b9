/**
 * Direct connections in place of relayed ones (DCUtR). The library exchanges addresses and the moment at which both dial; the
 * dials are made here, because those of the library leave from any port, and lose on their way which of two that meet
 * speaks first. And it closes the relayed connection as soon as there is a direct one, with all that is under way on it;
 * here it stays until our own channels have moved, and is closed then.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { dcutr, type DCUtRServiceComponents } from '@libp2p/dcutr'
import type { Connection, PeerId, StreamHandler, Topology } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isPlainTcp, type OnePort } from './one-port-tcp.ts'
import { replacing } from './replacing.ts'

type Service = ReturnType<ReturnType<typeof dcutr>>
type Components = DCUtRServiceComponents & { readonly peerId: PeerId }

const punchedAddressesMax = 4
const punchMsMax = 5000
const againMs = 100 // a router may answer a knock with a refusal until its own side has knocked

export function createHolePunching(components: Components, port: OnePort): Service {
  const { peerStore, transportManager, logger } = components
  const registrar = keepingConnections(components.registrar)
  const connectionManager = punching(components, port)
  const addressManager = withSeen(components, port)
  return dcutr()({ peerStore, connectionManager, registrar, addressManager, transportManager, logger })
}

/** What others are told to knock at: where the port is seen outside, beside what is known anyway. */
function withSeen({ addressManager, peerId }: Components, port: OnePort): Components['addressManager'] {
  return replacing(addressManager, {
    getAddresses: (): Multiaddr[] => [
      ...addressManager.getAddresses(),
      ...port.seenAt.map((address) => address.encapsulate(`/p2p/${peerId.toString()}`))
    ]
  })
}

type ConnectionManager = Components['connectionManager']
type OpenOptions = NonNullable<Parameters<ConnectionManager['openConnection']>[1]>

/** The library asks for a priority when both are to dial at one moment, and for none when one side is reached anyway. */
function punching({ connectionManager, transportManager }: Components, port: OnePort): ConnectionManager {
  return replacing(connectionManager, {
    openConnection: async (
      peer: PeerId | Multiaddr | Multiaddr[],
      options: OpenOptions = {}
    ): Promise<Connection> => {
      const addresses = Array.isArray(peer) ? peer.filter(isPlainTcp).slice(0, punchedAddressesMax) : []
      if (options.priority === undefined || addresses.length === 0)
        return await connectionManager.openConnection(peer, options)
      const { signal = AbortSignal.timeout(punchMsMax), initiator } = options
      const given = new AbortController()
      const until = AbortSignal.any([signal, given.signal])
      const role = initiator === undefined ? {} : { initiator }
      const dial = (address: Multiaddr, within: AbortSignal): Promise<Connection> =>
        transportManager.dial(address, port.options({ signal: within, ...role }))
      try {
        return await Promise.any(addresses.map((address) => knock(address, dial, until)))
      } finally {
        given.abort()
      }
    }
  })
}

async function knock(
  address: Multiaddr,
  dial: (address: Multiaddr, signal: AbortSignal) => Promise<Connection>,
  until: AbortSignal
): Promise<Connection> {
  // a connection ends with the signal of its dial, also when it is open long since
  const dialling = new AbortController()
  const giveUp = (): void => dialling.abort()
  until.addEventListener('abort', giveUp)
  try {
    for (;;) {
      until.throwIfAborted()
      try {
        return await dial(address, dialling.signal)
      } catch {
        await wait(againMs, undefined, { signal: until })
      }
    }
  } finally {
    until.removeEventListener('abort', giveUp)
  }
}

type Registrar = Components['registrar']

function keepingConnections(registrar: Registrar): Registrar {
  return replacing(registrar, {
    register: (protocol: string, topology: Topology) =>
      registrar.register(protocol, {
        ...topology,
        onConnect: (peer, connection) => topology.onConnect?.(peer, withoutClose(connection))
      }),
    handle: (protocol: string, handler: StreamHandler, ...options: [object?]) =>
      registrar.handle(
        protocol,
        (stream, connection) => handler(stream, withoutClose(connection)),
        ...options
      )
  })
}

function withoutClose(connection: Connection): Connection {
  return replacing(connection, { close: () => Promise.resolve() })
}
