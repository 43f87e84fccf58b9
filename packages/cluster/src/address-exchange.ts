/**
 * Members tell each other where the others are: each connection begins with the endpoints that both know. Every one is
 * signed by its own node, so the teller is not trusted with anything; it is asked only because it is likely to know.
 */
import { CanonicalReader, CanonicalWriter, CodecError } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type EndpointRecord,
  type PrincipalRecord,
  TreeError,
  decodeRecord,
  recordType
} from '@blocktree/tree'
import type { AddressBook } from './address-book.ts'
import { ClusterError } from './cluster-error.ts'
import { exchangedEndpointsMax } from './limits.ts'
import type { PeerDirectory } from './peer-directory.ts'
import type { Peer } from './peer.ts'
import type { StandingSource } from './ports.ts'
import type { RequestRouter } from './request-router.ts'

export const addressesMethod = 'cluster.addresses'
const format = 1

export interface AddressExchangeDeps {
  readonly crypto: CryptoProvider
  readonly book: AddressBook
  readonly directory: PeerDirectory
  readonly standing: StandingSource
}

interface Known {
  readonly principal: PrincipalRecord
  readonly endpoint: EndpointRecord
}

/** Answers members, and asks each of them once when it connects. @returns a function that ends it */
export function exchangeAddresses(deps: AddressExchangeDeps, router: RequestRouter): () => void {
  const { directory, standing } = deps
  const policy = { audience: 'member', bodyBytesMax: 16, perSecond: 1, burst: 10 } as const
  const ends = [
    router.onRequest(addressesMethod, policy, async () => encodeKnown(knownMembers(deps))),
    directory.onPeer((peer, state) => {
      if (state === 'connected' && standing.standingOf(peer.principal) === 'member')
        void learnFrom(deps, peer).catch(() => undefined) // it may not take us for a member yet
    })
  ]
  return () => ends.forEach((end) => end())
}

/** @returns how many endpoints were new */
export async function learnFrom(deps: AddressExchangeDeps, peer: Peer): Promise<number> {
  const answer = await peer.connection.request(addressesMethod, new Uint8Array(0))
  let taken = 0
  for (const { principal, endpoint } of decodeKnown(deps.crypto, answer)) {
    if (deps.standing.standingOf(principal.signer) === 'stranger') continue // nobody of ours: not kept
    const outcome = await deps.book.learn(principal, endpoint).catch(() => 'older' as const)
    if (outcome === 'taken') taken += 1
  }
  if (taken > 0) deps.directory.retry()
  return taken
}

/** Endpoints of members that have not ended. */
function knownMembers({ book, standing }: AddressExchangeDeps): readonly Known[] {
  const found: Known[] = []
  for (const { principal, endpoint } of book.entries()) {
    if (endpoint === undefined || standing.standingOf(principal.signer) !== 'member') continue
    if (book.targetsOf(principal.signer).length > 0) found.push({ principal, endpoint })
    if (found.length === exchangedEndpointsMax) break
  }
  return found
}

function encodeKnown(known: readonly Known[]): Uint8Array {
  const writer = new CanonicalWriter(4096).array(2).uint(format).array(known.length)
  for (const { principal, endpoint } of known) writer.array(2).bin(principal.bytes).bin(endpoint.bytes)
  return writer.finish()
}

function decodeKnown(crypto: CryptoProvider, bytes: Uint8Array): readonly Known[] {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(2)
    reader.uint(format, format)
    const known: Known[] = []
    for (let left = reader.array(exchangedEndpointsMax); left > 0; left--) {
      reader.arrayOf(2)
      const principal = decodeRecord(crypto, reader.bin(bytes.length).slice())
      const endpoint = decodeRecord(crypto, reader.bin(bytes.length).slice())
      if (principal.type !== recordType.principal || endpoint.type !== recordType.endpoint)
        throw new ClusterError('ERR_METHOD_FORMAT', 'another record stands where an endpoint belongs')
      known.push({ principal, endpoint })
    }
    reader.end()
    return known
  } catch (cause) {
    if (!(cause instanceof CodecError || cause instanceof TreeError)) throw cause
    throw new ClusterError('ERR_METHOD_FORMAT', `the list of addresses is damaged: ${cause.message}`, {
      cause
    })
  }
}
