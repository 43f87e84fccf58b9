/** The ways over which this node is reached, as configured; loaded when they are needed. */
import type { Network } from '@blocktree/network'
import type { Discovery } from '@blocktree/network/libp2p'
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
  /** False for a node that only dials, while it joins. */
  readonly listens: boolean
  readonly log: Log
}

type NetworkSettings = Settings['network']

/** TLS always, libp2p when it is switched on: what goes wrong with the second leaves the first. */
export async function openNetworks(settings: NetworkSettings, options: OpenOptions): Promise<OpenNetworks> {
  const tls = await onSomePort(settings.port, options.log, (port) => openTls(settings, options, port))
  if (!settings.libp2p) return { networks: [tls], discoveries: [] }
  try {
    const open = (port: number): ReturnType<typeof openLibp2p> => openLibp2p(settings, options, port)
    const { network, discovery } = await onSomePort(settings.libp2pPort, options.log, open)
    return { networks: [tls, network], discoveries: [discovery] }
  } catch (error) {
    options.log.error('libp2p cannot be used', { reason: reasonOf(error) })
    return { networks: [tls], discoveries: [] }
  }
}

async function openTls(
  { host, announce }: NetworkSettings,
  { seed, listens }: OpenOptions,
  port: number
): Promise<Network> {
  const { createTlsNetwork } = await import('@blocktree/network/tls')
  const spoken = announce.filter((address) => address.includes('/tls'))
  return await createTlsNetwork({ seed, announce: spoken, listen: listens ? [`${tcp(host, port)}/tls`] : [] })
}

async function openLibp2p(
  { host, announce, mdns, bootstrap, relays, relayServer }: NetworkSettings,
  { seed, listens }: OpenOptions,
  port: number
): Promise<{ readonly network: Network; readonly discovery: Discovery }> {
  const { createLibp2pNetwork } = await import('@blocktree/network/libp2p')
  const through = relays.map((relay) => `${relay}/p2p-circuit`)
  return await createLibp2pNetwork({
    seed,
    announce: announce.filter((address) => !address.includes('/tls')),
    listen: listens ? [tcp(host, port), ...through] : [],
    features: {
      identify: true,
      mdns: mdns && listens,
      relay: true,
      holePunching: relays.length > 0,
      ...(bootstrap.length === 0 ? {} : { dht: { mode: 'client', bootstrap } }),
      ...(relayServer && listens ? { relayServer: { reservationsMax: relayReservationsMax } } : {})
    }
  })
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
  const kind = host.includes(':') ? 'ip6' : /^[0-9.]+$/.test(host) ? 'ip4' : 'dns'
  return `/${kind}/${host}/tcp/${port}`
}
