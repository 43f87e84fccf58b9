/** The ways over which this node is reached, as configured; loaded when they are needed. */
import type { Network } from '@blocktree/network'
import type { Settings } from '../settings.ts'
import type { Log } from '../log.ts'
import { reasonOf, systemCode } from '../node-error.ts'

/** @param listens false for a node that only dials, while it joins */
export async function openNetworks(
  settings: Settings['network'],
  { seed, listens, log }: { readonly seed: Uint8Array; readonly listens: boolean; readonly log: Log }
): Promise<readonly Network[]> {
  const { createTlsNetwork } = await import('@blocktree/network/tls')
  const announce = settings.announce
  const at = (port: number): readonly string[] => (listens ? [listenAddress(settings.host, port)] : [])
  try {
    return [await createTlsNetwork({ seed, announce, listen: at(settings.port) })]
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE' || settings.port === 0) throw error
    log.warn('the port of the network is taken; another one is used until the next start', {
      port: settings.port,
      reason: reasonOf(error)
    })
    return [await createTlsNetwork({ seed, announce, listen: at(0) })]
  }
}

function listenAddress(host: string, port: number): string {
  const kind = host.includes(':') ? 'ip6' : /^[0-9.]+$/.test(host) ? 'ip4' : 'dns'
  return `/${kind}/${host}/tcp/${port}/tls`
}
