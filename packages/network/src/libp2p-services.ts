/** The parts of libp2p that options switch on, each loaded when it is. */
import type { GossipSub } from '@libp2p/gossipsub'
import type { Libp2pOptions } from 'libp2p'
import {
  dhtProtocol,
  type Libp2pDht,
  type Libp2pFeatures,
  type RelayServerOptions
} from './libp2p-options.ts'
import { NetworkError } from './network-error.ts'

type Services = NonNullable<Libp2pOptions['services']>
type Transports = NonNullable<Libp2pOptions['transports']>
type PeerDiscovery = NonNullable<Libp2pOptions['peerDiscovery']>

export interface Libp2pParts {
  readonly services: Services
  readonly transports: Transports
  readonly peerDiscovery: PeerDiscovery
  /** Filled when the node is made. */
  readonly topics: { gossipsub: GossipSub | undefined }
}

interface OpenParts {
  services: Services
  transports: Transports
  peerDiscovery: PeerDiscovery
  topics: { gossipsub: GossipSub | undefined }
}

/** Throws `ERR_NETWORK_FEATURE_MISSING` when a package that a feature needs is not installed. */
export async function loadParts(features: Libp2pFeatures): Promise<Libp2pParts> {
  const parts: OpenParts = {
    services: {},
    transports: [],
    peerDiscovery: [],
    topics: { gossipsub: undefined }
  }
  await addTransports(parts, features)
  await addServices(parts, features)
  return parts
}

async function addTransports(parts: OpenParts, features: Libp2pFeatures): Promise<void> {
  if (features.webSockets === true) {
    const { webSockets } = await import('@libp2p/websockets')
    parts.transports.push(webSockets())
  }
  if (features.quic === true) parts.transports.push(await loadQuic())
  if (features.relay === true) {
    const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2')
    parts.transports.push(circuitRelayTransport())
  }
  if (features.mdns === true) {
    const { mdns } = await import('@libp2p/mdns')
    parts.peerDiscovery.push(mdns({ serviceTag: '_blocktree._udp.local' }))
  }
}

async function addServices(parts: OpenParts, features: Libp2pFeatures): Promise<void> {
  const { services } = parts
  if (needsIdentify(features)) {
    const { identify, identifyPush } = await import('@libp2p/identify')
    services['identify'] = identify()
    services['identifyPush'] = identifyPush()
  }
  if (features.dht !== undefined) await addDht(services, features.dht)
  else if (features.ping === true) {
    const { ping } = await import('@libp2p/ping')
    services['ping'] = ping()
  }
  if (features.relayServer !== undefined) {
    const { circuitRelayServer } = await import('@libp2p/circuit-relay-v2')
    services['relayServer'] = circuitRelayServer({ reservations: reservationsOf(features.relayServer) })
  }
  if (features.holePunching === true) {
    const { dcutr } = await import('@libp2p/dcutr')
    services['dcutr'] = dcutr()
  }
  if (features.autonat === true) {
    const { autoNAT } = await import('@libp2p/autonat')
    services['autonat'] = autoNAT()
  }
  if (features.gossipsub === true) {
    const { gossipsub } = await import('@libp2p/gossipsub')
    const create = gossipsub({ globalSignaturePolicy: 'StrictSign', allowPublishToZeroTopicPeers: true })
    services['gossipsub'] = (components) => (parts.topics.gossipsub = create(components))
  }
}

/** The DHT asks old contacts with the ping service, so both are made here. */
async function addDht(services: Services, { mode }: Libp2pDht): Promise<void> {
  const [{ kadDHT, passthroughMapper }, { ping }] = await Promise.all([
    import('@libp2p/kad-dht'),
    import('@libp2p/ping')
  ])
  const createPing = ping()
  // records of values are refused altogether: a put without a validator would succeed in silence
  const create = kadDHT({
    protocol: dhtProtocol,
    clientMode: mode === 'client',
    peerInfoMapper: passthroughMapper
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

interface QuicModule {
  readonly quic: () => Transports[number]
}

async function loadQuic(): Promise<Transports[number]> {
  const name: string = '@chainsafe/libp2p-quic'
  let loaded: unknown
  try {
    loaded = await import(name)
  } catch (error) {
    throw new NetworkError(
      'ERR_NETWORK_FEATURE_MISSING',
      `QUIC needs the optional package ${name}, which is not installed; install it or switch QUIC off`,
      { cause: error }
    )
  }
  if (isQuicModule(loaded)) return loaded.quic()
  throw new NetworkError('ERR_NETWORK_FEATURE_MISSING', `the installed ${name} has no transport in it`)
}

function isQuicModule(loaded: unknown): loaded is QuicModule {
  return (
    typeof loaded === 'object' && loaded !== null && 'quic' in loaded && typeof loaded.quic === 'function'
  )
}
