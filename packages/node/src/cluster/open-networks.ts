/** The ways over which this node is reached, as configured; loaded when they are needed. */
import { type Network, NetworkError } from '@blocktree/network'
import type { Discovery, RecordRule } from '@blocktree/network/libp2p'
import { strangerFrameBytesMax, strangerRequestBytesMax } from '../limits.ts'
import type { Log } from '../log.ts'
import { reasonOf, systemCode } from '../node-error.ts'
import type { Settings } from '../settings.ts'

export interface OpenNetworks {
  /** The preferred first. */
  readonly networks: readonly Network[]
  readonly discoveries: readonly Discovery[]
}

interface OpenOptions {
  readonly seed: Uint8Array
  /** What a record of the distributed table has to meet; none is taken when left out. */
  readonly records?: RecordRule
  /** False for a node that only dials, while it joins. */
  readonly listens: boolean
  readonly log: Log
}

type NetworkSettings = Settings['network']

/** The directory of peers says who has rights. */
const limits = { strangerFrameBytesMax, strangerRequestBytesMax }

/** TLS always, libp2p when it is switched on: what goes wrong with the second leaves the first. */
export async function openNetworks(settings: NetworkSettings, options: OpenOptions): Promise<OpenNetworks> {
  const tls = await onSomePort(settings.port, options.log, (port) => openTls(settings, options, port))
  if (!settings.libp2p) return { networks: [tls], discoveries: [] }
  try {
    const { network, discovery } = await openWithQuic(settings, options)
    return { networks: [tls, network], discoveries: [discovery] }
  } catch (error) {
    options.log.error('libp2p cannot be used', { reason: reasonOf(error) })
    return { networks: [tls], discoveries: [] }
  }
}

async function openTls(
  { host, announce, announceOnly }: NetworkSettings,
  { seed, listens }: OpenOptions,
  port: number
): Promise<Network> {
  const { createTlsNetwork } = await import('@blocktree/network/tls')
  const spoken = announce.filter(isOfTls)
  const listen = listens ? [`${tcp(host, port)}/tls`] : []
  return await createTlsNetwork({ seed, announce: spoken, announceOnly, listen, limits })
}

type OpenLibp2p = { readonly network: Network; readonly discovery: Discovery }

/** Without QUIC where its package is not installed: the other ways are no worse for that. */
async function openWithQuic(settings: NetworkSettings, options: OpenOptions): Promise<OpenLibp2p> {
  const open = (quic: boolean): Promise<OpenLibp2p> =>
    onSomePort(settings.libp2pPort, options.log, (port) => openLibp2p({ ...settings, quic }, options, port))
  try {
    return await open(settings.quic)
  } catch (error) {
    if (!settings.quic || !(error instanceof NetworkError) || error.code !== 'ERR_NETWORK_FEATURE_MISSING')
      throw error
    options.log.error('QUIC cannot be used', { reason: reasonOf(error) })
    return await open(false)
  }
}

async function openLibp2p(
  settings: NetworkSettings,
  { seed, listens, records }: OpenOptions,
  port: number
): Promise<OpenLibp2p> {
  const { announce, announceOnly, mdns, relays, relayServer, holePunching, autonat } = settings
  const { createLibp2pNetwork } = await import('@blocktree/network/libp2p')
  const dht = dhtOf(settings)
  return await createLibp2pNetwork({
    seed,
    limits,
    announce: announce.filter((address) => !isOfTls(address)),
    announceOnly,
    ...(records === undefined ? {} : { records }),
    listen: listens ? listenAt(settings, port) : [],
    features: {
      identify: true,
      mdns: mdns && listens,
      relay: true,
      webSockets: true,
      quic: settings.quic,
      autonat: autonat && listens,
      holePunching: holePunching && relays.length > 0,
      ...(dht === undefined
        ? {}
        : { dht: { mode: listens ? dht : 'client', bootstrap: settings.bootstrap } }),
      ...(relayServer && listens ? { relayServer: { reservationsMax: relayReservationsMax } } : {})
    }
  })
}

function listenAt(settings: NetworkSettings, port: number): readonly string[] {
  const { host, webSocketPort, quic, relays } = settings
  const isOnOtherPort = port !== settings.libp2pPort // perhaps it is the one for WebSockets that is taken
  return [
    tcp(host, port),
    ...(webSocketPort === undefined ? [] : [`${tcp(host, isOnOtherPort ? 0 : webSocketPort)}/ws`]),
    ...(quic ? [`${hostPart(host)}/udp/${port}/quic-v1`] : []),
    ...relays.map((relay) => `${relay}/p2p-circuit`)
  ]
}

/** undefined when it is not used. */
export function dhtOf({
  dht,
  bootstrap
}: Pick<NetworkSettings, 'dht' | 'bootstrap'>): 'client' | 'server' | undefined {
  if (dht === 'client' || dht === 'server') return dht
  return dht === 'off' || bootstrap.length === 0 ? undefined : 'client'
}

/** A multiaddr that ends in TLS is one of our own driver; WebSockets over TLS are libp2p's. */
function isOfTls(address: string): boolean {
  return address.endsWith('/tls')
}

const relayReservationsMax = 64

/** Another port when the wanted one is taken: a node that is harder to find is better than none. */
async function onSomePort<Result>(
  port: number,
  log: Log,
  open: (port: number) => Promise<Result>
): Promise<Result> {
  try {
    return await open(port)
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE' || port === 0) throw error
    log.warn('a port of the network is taken; another one is used until the next start', { port })
    return await open(0)
  }
}

function tcp(host: string, port: number): string {
  return `${hostPart(host)}/tcp/${port}`
}

function hostPart(host: string): string {
  const kind = host.includes(':') ? 'ip6' : /^[0-9.]+$/.test(host) ? 'ip4' : 'dns'
  return `/${kind}/${host}`
}
