/** Where a server of Node can be reached, as multiaddrs: one for each interface when it listens at all of them. */
import type { Server } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Without `/p2p/…`; empty when the server does not listen. */
export function listenedAt(server: Server): readonly string[] {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return []
  const { address, port } = bound
  const hosts = address === '0.0.0.0' || address === '::' ? hostsOfAllInterfaces(address === '::') : [address]
  return hosts.map((host) => addressText(host, port))
}

/** `/ip4/…/tcp/…` or `/ip6/…/tcp/…`; an IPv4 address in IPv6 is written as what it is. */
export function addressText(host: string, port: number): string {
  const plain = host.replace(/^::ffff:(?=\d+\.)/, '')
  return `/${plain.includes(':') ? 'ip6' : 'ip4'}/${plain.replace(/%.*$/, '')}/tcp/${port}`
}

function hostsOfAllInterfaces(isDual: boolean): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, scopeid }) => family === 'IPv4' || (isDual && scopeid === 0))
    .map(({ address }) => address)
}
