/** How a peer is reached, for people: directly or through whom, over what, and how its address was found. */
import type { AddressBook, AddressOrigin, Peer, PeerDirectory } from '@blocktree/cluster'
import { parsePeerId } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import type { PeerTransport } from '../method-table/cluster-methods.ts'

export interface PeerWay {
  readonly transport: PeerTransport
  /** Peer id of the one that passes the bytes on, and its principal where it is known; undefined for a direct connection. */
  readonly relay: { readonly peerId: string; readonly principal: Id | undefined } | undefined
  /** undefined for a peer that dialled this node. */
  readonly foundBy: AddressOrigin | undefined
}

export function wayOf(
  { book, directory }: { readonly book: AddressBook; readonly directory: PeerDirectory },
  peer: Peer
): PeerWay {
  const { remoteAddress } = peer.connection
  const peerId = /\/p2p\/([^/]+)\/p2p-circuit/.exec(remoteAddress)?.[1]
  return {
    transport: transportOf(remoteAddress),
    relay: peerId === undefined ? undefined : { peerId, principal: book.principalOf(parsePeerId(peerId)) },
    foundBy: directory.originOf(peer)
  }
}

/** Of the first step where it passes a relay. */
function transportOf(address: string): PeerTransport {
  const [first = address] = address.split('/p2p/')
  if (/\/wss?(\/|$)/.test(first)) return 'websocket'
  if (first.includes('/quic')) return 'quic'
  return first.endsWith('/tls') ? 'tls' : 'tcp'
}
