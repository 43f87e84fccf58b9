/** Network over libp2p. The libraries are loaded when the first one is made: that takes some 400 ms and 60 MB. */
import { randomBytes } from 'node:crypto'
import type { Discovery } from './discovery.ts'
import { createHost } from './host.ts'
import type { Libp2pNetworkOptions } from './libp2p-options.ts'
import type { Network } from './port.ts'
import { systemTimers } from './timers.ts'
import type { Topics } from './topics.ts'

export interface Libp2pNetwork {
  readonly network: Network
  readonly discovery: Discovery
  /** undefined unless gossipsub is switched on. */
  readonly topics: Topics | undefined
}

/**
 * Resolves when it listens. `ERR_NETWORK_ADDRESS_INVALID` for what is no address, `ERR_NETWORK_FEATURE_MISSING` for a
 * feature whose package is not installed, or the error of the system or library.
 */
export async function createLibp2pNetwork(options: Libp2pNetworkOptions): Promise<Libp2pNetwork> {
  const { createLibp2pTransport } = await import('./libp2p-transport.ts')
  const transport = await createLibp2pTransport(options)
  const random = { bytes: (length: number): Uint8Array => Uint8Array.from(randomBytes(length)) }
  const { localKey } = transport
  const network = createHost({
    localKey,
    transport,
    timers: systemTimers,
    random,
    limits: options.limits,
    numbering: { first: 2, step: 2 }
  })
  const { gossipsub } = transport.topics
  if (gossipsub === undefined) return { network, discovery: transport, topics: undefined }
  const { createTopics } = await import('./topics.ts')
  return { network, discovery: transport, topics: createTopics(gossipsub) }
}
