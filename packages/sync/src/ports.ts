/** What replication of one tree needs from outside; everything else it gets as arguments. */
import type { CryptoProvider, Random } from '@blocktree/crypto'
import type { BlockStore, Clock, Id, Signer, TreeState } from '@blocktree/tree'

/** Time that passes, apart from the clock on the wall: a simulator gives its own. */
export interface Pace {
  /** Milliseconds from some point on; never goes back. */
  now(): number
  /** Calls back once; the returned function takes it back. Keeps no process alive. */
  after(milliseconds: number, callback: () => void): () => void
}

/** In whose name this node promises. */
export interface Self {
  readonly principal: Id
  /** Whether this node alone signs for the principal; for its own principal alone when left out. */
  readonly isOwn?: (principal: Id) => boolean
  /** undefined while the key is locked. */
  readonly signer: () => Signer | undefined
  /** The cap with `host` or `keep` over a zone; undefined when there is none. `cap` is undefined for the root. */
  readonly promiseCap: (zone: Id) => { readonly cap: Id | undefined } | undefined
  /** The cap with `host` over a zone: its holder's word on the time counts (B.7.5). */
  readonly hostCap: (zone: Id) => { readonly cap: Id | undefined } | undefined
}

/** Which payloads are fetched: all, none before somebody reads them, or as this says of each record. */
export type SectorPolicy =
  | 'all'
  | 'on demand'
  | ((owner: { readonly record: Id; readonly block: Id; readonly zone: Id }) => boolean)

export interface SyncPorts {
  readonly tree: TreeState
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly random: Random
  /** Of the wall: receipts. */
  readonly clock: Clock
  readonly pace: Pace
  readonly self: Self
  /** Called before records of a peer are judged. */
  readonly onArriving?: () => void
  /** Blocks whose headers were taken from a peer a moment ago, and are on their way to the disk: a node opens their names. */
  readonly onArrived?: (blocks: readonly Id[]) => void
  /** Content was let go: a collection of garbage would free about so many bytes. */
  readonly onLoose?: (bytes: number) => void
  /** Something worth a line in a log. */
  readonly onNote?: (note: SyncNote) => void
}

export interface SyncNote {
  readonly level: 'debug' | 'warn'
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}
