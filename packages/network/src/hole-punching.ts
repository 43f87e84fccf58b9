/**
 * Direct connections in place of relayed ones (DCUtR). The library closes the relayed connection as soon as there is a
 * direct one, with all that is under way on it; here it stays until our own channels have moved, and is closed then.
 */
import { dcutr, type DCUtRServiceComponents } from '@libp2p/dcutr'
import type { Connection, StreamHandler, Topology } from '@libp2p/interface'

type Service = ReturnType<ReturnType<typeof dcutr>>

export function createHolePunching(components: DCUtRServiceComponents): Service {
  const { peerStore, connectionManager, addressManager, transportManager, logger } = components
  const registrar = keepingConnections(components.registrar)
  return dcutr()({ peerStore, connectionManager, registrar, addressManager, transportManager, logger })
}

type Registrar = DCUtRServiceComponents['registrar']

function keepingConnections(registrar: Registrar): Registrar {
  return new Proxy(registrar, {
    get(target, name) {
      if (name === 'register') {
        return (protocol: string, topology: Topology) =>
          target.register(protocol, {
            ...topology,
            onConnect: (peer, connection) => topology.onConnect?.(peer, withoutClose(connection))
          })
      }
      if (name === 'handle') {
        return (protocol: string, handler: StreamHandler, ...options: [object?]) =>
          target.handle(
            protocol,
            (stream, connection) => handler(stream, withoutClose(connection)),
            ...options
          )
      }
      return boundTo(target, name)
    }
  })
}

function withoutClose(connection: Connection): Connection {
  return new Proxy(connection, {
    get: (target, name) => (name === 'close' ? () => Promise.resolve() : boundTo(target, name))
  })
}

function boundTo(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target)
  return typeof value === 'function' ? (value.bind(target) as unknown) : value
}
