/**
 * Where a connection of an app may go: names are resolved here and each address judged, so that no name leads into a
 * private network unless the grant names just that host (DNS rebinding, redirects to 127.0.0.1).
 */
import { HostFailure, fail } from './host-failure.ts'
import { isSpecialAddress, parseAddress } from './ip-address.ts'
import { clientAddressesTried } from './limits.ts'

/**
 * Addresses to try, in order. Fails with `denied` when all that the name leads to is private and the grant is a
 * pattern, with `unreachable` when it leads nowhere.
 * @param host a name, an IPv4 address, or an IPv6 address in brackets
 * @param cover how the grant covers the host
 */
export async function judgedAddresses(
  host: string,
  cover: 'literal' | 'pattern',
  resolve: (host: string) => Promise<readonly string[]>
): Promise<readonly string[]> {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  const found = parseAddress(bare) === undefined ? await resolved(host, resolve) : [bare]
  const allowed = found.filter((address) => {
    const bytes = parseAddress(address)
    return bytes !== undefined && (cover === 'literal' || !isSpecialAddress(bytes))
  })
  if (found.length === 0) return fail('unreachable', `the name ${host} leads nowhere`)
  if (allowed.length === 0) {
    return fail(
      'denied',
      `${host} leads into a private network; only a grant that names it literally allows that`
    )
  }
  return allowed.slice(0, clientAddressesTried)
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
