/**
 * Multiaddrs as text: `/ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…`. Read by `@multiformats/multiaddr`, bounded first; the
 * peer at the end is what a dialler has to be proven.
 */
import { type Component, multiaddr } from '@multiformats/multiaddr'
import { equalBytes } from '@blocktree/codec'
import { addressCharactersMax } from './limits.ts'
import { NetworkError } from './network-error.ts'
import { formatPeerId, parsePeerId } from './peer-id.ts'

export interface Address {
  /** Canonical text. */
  readonly text: string
  /** The parts in order, each a protocol's name with its value. */
  readonly parts: readonly AddressPart[]
  /** The key of the last `/p2p/…`, unless a relay follows it; undefined when the address names no peer. */
  readonly peerKey: Uint8Array | undefined
}

export interface AddressPart {
  readonly name: string
  /** undefined for protocols without one, such as `tls` */
  readonly value: string | undefined
}

/** `ERR_NETWORK_ADDRESS_INVALID` when the text is no multiaddr or names a peer by another key than Ed25519. */
export function parseAddress(text: string): Address {
  if (text.length > addressCharactersMax) {
    throw invalid(`${text.slice(0, 60)}…`, `is longer than ${addressCharactersMax} characters`)
  }
  let components: Component[]
  let canonical: string
  try {
    const parsed = multiaddr(text)
    components = parsed.getComponents()
    canonical = parsed.toString()
  } catch (error) {
    throw invalid(text, 'is no multiaddr', error)
  }
  const last = components.at(-1)
  return {
    text: canonical,
    parts: components.map(({ name, value }) => ({ name, value })),
    peerKey: last?.name === 'p2p' && last.value !== undefined ? parsePeerId(last.value) : undefined
  }
}

/** The address with the peer's id at its end. */
export function withPeer(address: string, key: Uint8Array): string {
  return `${address}/p2p/${formatPeerId(key)}`
}

/** The address and the key that has to be proven there; they must not contradict each other. */
export function expectPeer(
  text: string,
  expectedKey: Uint8Array | undefined
): { readonly address: Address; readonly key: Uint8Array } {
  const address = parseAddress(text)
  const key = address.peerKey ?? expectedKey
  if (key === undefined) throw invalid(text, 'names no peer, and no key is expected; end it in /p2p/ID')
  if (expectedKey !== undefined && !equalBytes(key, expectedKey)) {
    throw new NetworkError(
      'ERR_NETWORK_PEER_MISMATCH',
      `address "${text}" names another peer than the expected ${formatPeerId(expectedKey)}`
    )
  }
  return { address, key }
}

function invalid(text: string, problem: string, cause?: unknown): NetworkError {
  return new NetworkError('ERR_NETWORK_ADDRESS_INVALID', `address "${text}" ${problem}`, { cause })
}
