/**
 * Where a connection of an app may go: names are resolved here and each address judged, so that no name leads into a
 * private network (DNS rebinding, redirects to 127.0.0.1). Whoever has a name in the public DNS decides where it leads,
 * so a grant of such a name is none of a private address: that takes the address itself, or a name that only this
 * network can give out.
 */
import { HostFailure, fail } from './host-failure.ts'
import { isSpecialAddress, parseAddress } from './ip-address.ts'
import { clientAddressesTried } from './limits.ts'

/** Never in the public DNS: RFC 6761, 6762, 8375, and the name that ICANN keeps free for private use. */
const localSuffixes = ['localhost', 'local', 'home.arpa', 'internal'] as const

/**
 * Addresses to try, in order. Fails with `denied` when all that the host leads to is private and the grant does not
 * name it literally as an address or as a name of the local network, with `unreachable` when it leads nowhere.
 * @param host a name, an IPv4 address, or an IPv6 address in brackets
 * @param cover how the grant covers the host
 */
export async function judgedAddresses(
  host: string,
  cover: 'literal' | 'pattern',
  resolve: (host: string) => Promise<readonly string[]>
): Promise<readonly string[]> {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  const isAddress = parseAddress(bare) !== undefined
  const found = isAddress ? [bare] : await resolved(host, resolve)
  const mayBePrivate = cover === 'literal' && (isAddress || isLocalName(host))
  const allowed = found.filter((address) => {
    const bytes = parseAddress(address)
    return bytes !== undefined && (mayBePrivate || !isSpecialAddress(bytes))
  })
  if (found.length === 0) return fail('unreachable', `the name ${host} leads nowhere`)
  if (allowed.length === 0) {
    return fail(
      'denied',
      `${host} leads into a private network; only a grant of the address itself, or of a name of the local network, allows that`
    )
  }
  return allowed.slice(0, clientAddressesTried)
}

function isLocalName(host: string): boolean {
  return localSuffixes.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))
}

async function resolved(
  host: string,
  resolve: (host: string) => Promise<readonly string[]>
): Promise<readonly string[]> {
  try {
    return await resolve(host)
  } catch (cause) {
    if (cause instanceof HostFailure) throw cause
    throw new HostFailure('unreachable', `the name ${host} cannot be resolved`, { cause })
  }
}
