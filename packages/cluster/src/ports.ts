/** What the cluster needs from outside: time, chance, and what the tree says about a principal right now. */
import type { CryptoProvider } from '@blocktree/crypto'
import type { TransportKey } from '@blocktree/network'
import type { EndpointRecord, Id, Principal } from '@blocktree/tree'

export interface Timers {
  /** Milliseconds since 1970. */
  now(): number
  /** @returns a function that ends it */
  start(milliseconds: number, callback: () => void): () => void
}

/** Nobody we know; somebody with a live cap or grant in a tree kept here; a principal with `host` in one. */
export type Standing = 'stranger' | 'peer' | 'member'

/** Asked again for every request: what was revoked a moment ago holds no longer. */
export interface StandingSource {
  standingOf(principal: Id): Standing
  /** The same for one tree. */
  standingIn(tree: Id, principal: Id): Standing
  /** True when both have a standing in one of the trees kept here: such may know of each other. */
  share(left: Id, right: Id): boolean
  /** Principals with `host` in trees kept here, this node left out: connections to them are kept up. */
  members(): readonly Id[]
}

/** What this node says of itself; a new object after each change. */
export interface LocalNode {
  readonly principal: Pick<Principal, 'id' | 'record'>
  /** Certifies the transport key; signed anew before it ends. */
  endpoint(): EndpointRecord
  /** Trees kept here with the caps held in them, those that `peer` may know of. */
  treesFor(peer: Id | undefined): readonly HelloTree[]
  readonly features: readonly string[]
}

export interface HelloTree {
  readonly tree: Id
  /** Leaf caps of the sender. */
  readonly caps: readonly Id[]
}

/** How an address came to be known. */
export type AddressOrigin = 'book' | 'mdns' | 'dht' | 'relay'

/** One way to learn where a principal is, beside the address book. */
export interface AddressSource {
  readonly origin: Exclude<AddressOrigin, 'book'>
  /** @param wanted its `key` is what is known of it so far */
  find(wanted: { readonly principal: Id; readonly key: TransportKey | undefined }): Promise<FoundAddresses>
}

/** What others say: nothing of it is believed. */
export interface FoundAddresses {
  /** Claims to be endpoints of the principal, as `encodeKnownEndpoints` makes them: taken when they hold. */
  readonly endpoints?: readonly Uint8Array[]
  /** Where the holder of the key may be: dialled with exactly this key expected. */
  readonly addresses?: readonly string[]
}

/** Ways to find members that answer at no address in the book. */
export interface AddressDiscovery {
  readonly sources: readonly AddressSource[]
  /** Nodes that make themselves known without being asked. @returns a function that ends it */
  onFound(listener: (key: TransportKey, addresses: readonly string[]) => void): () => void
}

export interface ClusterDeps {
  readonly crypto: CryptoProvider
  readonly timers: Timers
}
