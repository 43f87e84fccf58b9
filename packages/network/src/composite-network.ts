/**
 * Several drivers as one network: an address is dialled by the first that speaks it, and an open connection with a peer
 * is used whichever driver carries it.
 */
import { equalBytes } from '@blocktree/codec'
import { expectPeer } from './address.ts'
import { NetworkError } from './network-error.ts'
import type { Connection, DialOptions, Network, TransportKey } from './port.ts'

/** @param networks of the same key, the preferred first; they are closed with this one. Throws a TypeError for none or for different keys. */
export function createCompositeNetwork(networks: readonly Network[]): Network {
  const [first, ...others] = networks
  if (first === undefined) throw new TypeError('no network to put together')
  for (const { localKey } of others) {
    if (!equalBytes(localKey, first.localKey)) throw new TypeError('the networks have different keys')
  }
  return new CompositeNetwork(first.localKey, networks)
}

class CompositeNetwork implements Network {
  readonly localKey: TransportKey
  readonly #networks: readonly Network[]
  readonly #open = new Set<Connection>()

  constructor(localKey: TransportKey, networks: readonly Network[]) {
    this.localKey = localKey
    this.#networks = networks
    for (const network of networks) network.onConnection((connection) => this.#keep(connection))
  }

  addresses(): readonly string[] {
    return this.#networks.flatMap((network) => network.addresses())
  }

  onAddresses(listener: (addresses: readonly string[]) => void): () => void {
    return joined(this.#networks.map((network) => network.onAddresses(() => listener(this.addresses()))))
  }

  canDial(address: string): boolean {
    return this.#networks.some((network) => network.canDial(address))
  }

  async dial(address: string, options: DialOptions = {}): Promise<Connection> {
    const { key } = expectPeer(address, options.expectedKey)
    for (const connection of this.#open) {
      const isWanted = options.isDirect !== true || !connection.relayed
      if (isWanted && equalBytes(connection.remoteKey, key)) return connection
    }
    const network = this.#networks.find((one) => one.canDial(address))
    if (network === undefined) {
      throw new NetworkError(
        'ERR_NETWORK_ADDRESS_INVALID',
        `dialling ${address}: no driver speaks this address`
      )
    }
    return this.#keep(await network.dial(address, options))
  }

  onConnection(listener: (connection: Connection) => void): () => void {
    return joined(this.#networks.map((network) => network.onConnection(listener)))
  }

  onDirectWay(listener: (key: TransportKey, address: string) => void): () => void {
    return joined(this.#networks.map((network) => network.onDirectWay(listener)))
  }

  setGate(gate: ((peer: TransportKey, address: string) => boolean) | undefined): void {
    for (const network of this.#networks) network.setGate(gate)
  }

  async close(): Promise<void> {
    await Promise.all(this.#networks.map((network) => network.close()))
  }

  #keep(connection: Connection): Connection {
    this.#open.add(connection)
    void connection.closed.then(() => this.#open.delete(connection))
    return connection
  }
}

/** One function that calls all. */
function joined(stops: readonly (() => void)[]): () => void {
  return () => {
    for (const stop of stops) stop()
  }
}
