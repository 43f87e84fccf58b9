/** The parts of libp2p that options switch on, each loaded when it is. */
import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId, PeerInfo } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import type { Libp2pOptions } from 'libp2p'
import {
  dhtProtocol,
  type Libp2pDht,
  type Libp2pFeatures,
  type RelayServerOptions
} from './libp2p-options.ts'
import type { NetworkLimits } from './limits.ts'
import type { OnePort } from './one-port-tcp.ts'
import { type RecordRule, recordParts } from './signed-records.ts'

type Services = NonNullable<Libp2pOptions['services']>
type Transports = NonNullable<Libp2pOptions['transports']>
type PeerDiscovery = NonNullable<Libp2pOptions['peerDiscovery']>

export interface Libp2pParts {
  readonly services: Services
  readonly transports: Transports
  readonly peerDiscovery: PeerDiscovery
  /** Filled when the node is made. */
  readonly topics: { gossipsub: GossipSub | undefined }
  /** Called for what is heard in the local network. */
  readonly onNearby: { listener: (peer: PeerInfo) => void }
  /** Peers that are reached through this node. */
  readonly reserved: { has: (peer: PeerId) => boolean }
}

interface OpenParts {
  services: Services
  transports: Transports
  peerDiscovery: PeerDiscovery
  topics: { gossipsub: GossipSub | undefined }
  onNearby: { listener: (peer: PeerInfo) => void }
  reserved: { has: (peer: PeerId) => boolean }
}

interface PartsOptions {
  readonly features: Libp2pFeatures
  readonly limits: NetworkLimits
  readonly records: RecordRule | undefined
  /** From which holes are punched; without it none are. */
  readonly onePort: OnePort | undefined
}

/** Throws `ERR_NETWORK_FEATURE_MISSING` when a package that a feature needs is not installed. */
export async function loadParts(options: PartsOptions): Promise<Libp2pParts> {
  const parts: OpenParts = {
    services: {},
    transports: [],
    peerDiscovery: [],
    topics: { gossipsub: undefined },
    onNearby: { listener: () => undefined },
    reserved: { has: () => false }
  }
  await addTransports(parts, options)
  await addServices(parts, options)
  return parts
}

async function addTransports(parts: OpenParts, { features, limits, onePort }: PartsOptions): Promise<void> {
  parts.transports.push(onePort === undefined ? tcp() : onePort.transport)
  if (features.webSockets === true) {
    const { webSockets } = await import('@libp2p/websockets')
    parts.transports.push(webSockets())
  }
  if (features.quic === true) {
    const { loadQuic } = await import('./quic.ts')
    parts.transports.push(await loadQuic(limits))
  }
  if (features.relay === true) {
    const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2')
    parts.transports.push(circuitRelayTransport())
  }
  if (features.mdns === true) {
    const { mdns } = await import('@libp2p/mdns')
    const create = mdns({ serviceTag: '_blocktree._udp.local' })
    parts.peerDiscovery.push((components) => {
      const service = create(components)
      service.addEventListener('peer', ({ detail }) => parts.onNearby.listener(detail))
      return service
    })
  }
}

async function addServices(parts: OpenParts, { features, records, onePort }: PartsOptions): Promise<void> {
  const { services } = parts
  if (needsIdentify(features)) {
    const { identify, identifyPush } = await import('@libp2p/identify')
    services['identify'] = identify()
    services['identifyPush'] = identifyPush()
  }
  if (features.dht !== undefined) await addDht(services, features.dht, records)
  else if (features.ping === true) {
    const { ping } = await import('@libp2p/ping')
    services['ping'] = ping()
  }
  if (features.relayServer !== undefined) {
    const { circuitRelayServer } = await import('@libp2p/circuit-relay-v2')
    const create = circuitRelayServer({ reservations: reservationsOf(features.relayServer) })
    services['relayServer'] = (components) => {
      const server = create(components)
      parts.reserved.has = (peer) => server.reservations.has(peer)
      return server
    }
  }
  if (features.holePunching === true && onePort !== undefined) {
    const { createHolePunching } = await import('./hole-punching.ts')
    services['dcutr'] = (components) => createHolePunching(components, onePort)
  }
  if (features.autonat === true) {
    const { createAutoNat } = await import('./auto-nat.ts')
    services['autonat'] = createAutoNat
  }
  if (features.gossipsub === true) {
    const { gossipsub } = await import('@libp2p/gossipsub')
    const create = gossipsub({ globalSignaturePolicy: 'StrictSign', allowPublishToZeroTopicPeers: true })
    services['gossipsub'] = (components) => (parts.topics.gossipsub = create(components))
  }
}

/** The DHT asks old contacts with the ping service, so both are made here. */
async function addDht(
  services: Services,
  { mode }: Libp2pDht,
  records: RecordRule | undefined
): Promise<void> {
  const [{ kadDHT, passthroughMapper }, { ping }] = await Promise.all([
    import('@libp2p/kad-dht'),
    import('@libp2p/ping')
  ])
  const createPing = ping()
  const create = kadDHT({
    protocol: dhtProtocol,
    clientMode: mode === 'client',
    peerInfoMapper: passthroughMapper,
    ...(records === undefined ? {} : recordParts(records))
  })
  let pingService: ReturnType<typeof createPing> | undefined
  services['ping'] = (components) => (pingService ??= createPing(components))
  services['dht'] = (components) => {
    pingService ??= createPing(components)
    const { peerId, privateKey, registrar, addressManager, peerStore } = components
    const { connectionManager, datastore, events, logger } = components
    return create({
      ...{ peerId, privateKey, registrar, addressManager, peerStore },
      ...{ connectionManager, datastore, events, logger, ping: pingService }
    })
  }
}

function needsIdentify(features: Libp2pFeatures): boolean {
  const { identify, relay, relayServer, dht, holePunching, autonat, gossipsub } = features
  const isNeeded = [identify, relay, holePunching, autonat, gossipsub].includes(true)
  return isNeeded || relayServer !== undefined || dht !== undefined
}

function reservationsOf({ reservationsMax, connectionBound }: RelayServerOptions): {
  maxReservations: number
  applyDefaultLimit: boolean
  defaultDataLimit?: bigint
  defaultDurationLimit?: number
} {
  if (connectionBound === undefined) return { maxReservations: reservationsMax, applyDefaultLimit: false }
  return {
    maxReservations: reservationsMax,
    applyDefaultLimit: true,
    defaultDataLimit: BigInt(connectionBound.bytes),
    defaultDurationLimit: connectionBound.durationMs
  }
}
