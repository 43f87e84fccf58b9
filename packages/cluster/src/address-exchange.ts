/**
 * Members tell each other where the others are: each connection begins with the endpoints that both know. Every one is
 * signed by its own node, so the teller is not trusted with anything; it is asked only because it is likely to know.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import type { AddressBook } from './address-book.ts'
import { type KnownEndpoint, decodeKnownEndpoints, encodeKnownEndpoints } from './known-endpoint.ts'
import { exchangedEndpointsMax } from './limits.ts'
import type { PeerDirectory } from './peer-directory.ts'
import type { Peer } from './peer.ts'
import type { StandingSource } from './ports.ts'
import type { RequestRouter } from './request-router.ts'

const addressesMethod = 'cluster.addresses'
const addressEvent = 'cluster.address'

export interface AddressExchangeDeps {
  readonly crypto: CryptoProvider
  readonly book: AddressBook
  readonly directory: PeerDirectory
  readonly standing: StandingSource
}

/**
 * Answers members, asks each of them once when it connects, and passes on what is new. @returns a function that ends it
 */
export function exchangeAddresses(deps: AddressExchangeDeps, router: RequestRouter): () => void {
  const { directory, standing } = deps
  const policy = { audience: 'member', bodyBytesMax: 16, perSecond: 1, burst: 10 } as const
  const eventPolicy = { audience: 'member', bodyBytesMax: 32 * 1024, perSecond: 5, burst: 100 } as const
  const ends = [
    router.onRequest(addressesMethod, policy, async (peer) => encodeKnownEndpoints(knownMembers(deps, peer))),
    router.onEvent(addressEvent, eventPolicy, (peer, body) => void hear(deps, peer, body)),
    directory.onPeer((peer, state) => {
      if (state !== 'connected' || standing.standingOf(peer.principal) !== 'member') return
      announceEndpoint(deps, peer.hello, peer)
      void learnFrom(deps, peer).catch(() => undefined) // it may not take us for a member yet
    })
  ]
  return () => ends.forEach((end) => end())
}

/** Tells every connected member of the own endpoint, or of that of another one who may know of it, but `except`. */
export function announceEndpoint(
  { directory, standing }: Pick<AddressExchangeDeps, 'directory' | 'standing'>,
  { principal, endpoint }: KnownEndpoint,
  except?: Peer
): void {
  const body = encodeKnownEndpoints([{ principal, endpoint }])
  for (const peer of directory.peers()) {
    const isMember = standing.standingOf(peer.principal) === 'member'
    const mayKnow = except === undefined || standing.share(peer.principal, principal.signer)
    if (peer !== except && isMember && mayKnow) peer.connection.notify(addressEvent, body)
  }
}

/** Passes on only what is new here, so that it ends when everybody knows. */
async function hear(deps: AddressExchangeDeps, peer: Peer, body: Uint8Array): Promise<void> {
  try {
    for (const known of decodeKnownEndpoints(deps.crypto, body)) {
      if (!(await take(deps, known))) continue
      announceEndpoint(deps, known, peer)
      deps.directory.retry(known.principal.signer)
    }
  } catch {
    // an event has no answer
  }
}

/** True when it is one of ours, holds, and was not known. */
async function take(
  { book, standing }: AddressExchangeDeps,
  { principal, endpoint }: KnownEndpoint
): Promise<boolean> {
  if (standing.standingOf(principal.signer) === 'stranger') return false // nobody of ours: not kept
  return (await book.learn(principal, endpoint).catch(() => 'older' as const)) === 'taken'
}

/** @returns how many endpoints were new */
async function learnFrom(deps: AddressExchangeDeps, peer: Peer): Promise<number> {
  const answer = await peer.connection.request(addressesMethod, new Uint8Array(0))
  let taken = 0
  for (const known of decodeKnownEndpoints(deps.crypto, answer)) if (await take(deps, known)) taken += 1
  if (taken > 0) deps.directory.retry()
  return taken
}

/** Endpoints that have not ended, of members of the trees that the asking one is in: another tree is none of its business. */
function knownMembers({ book, standing }: AddressExchangeDeps, asking: Peer): readonly KnownEndpoint[] {
  const found: KnownEndpoint[] = []
  for (const { principal, endpoint } of book.entries()) {
    if (endpoint === undefined || standing.standingOf(principal.signer) !== 'member') continue
    if (!standing.share(asking.principal, principal.signer)) continue
    if (book.targetsOf(principal.signer).length > 0) found.push({ principal, endpoint })
    if (found.length === exchangedEndpointsMax) break
  }
  return found
}
