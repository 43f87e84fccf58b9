/**
 * The state of one tree over a block store: takes records in (B.8), keeps the derived rows, answers what files and
 * node ask. Opening loads the authority records only; headers are read when they are asked for, so memory stays
 * flat however many blocks the tree has. Derived rows: ./index-rows.ts. Rules: ./acceptance.ts, ./block-state.ts.
 *
 * State is updated synchronously inside `commitLocal` before it returns its promise: a caller may build the next
 * version at once, the store makes batches durable in call order.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import type { Authority } from './authority.ts'
import type { VersionedHead } from './held-records.ts'
import type { Explanation } from './explain.ts'
import type { PruneOptions, PruneReport } from './pruning.ts'
import type { BlockStore, Clock, Durability, IndexRow, StoredSector } from './ports.ts'
import type {
  AnyRecord,
  BlockKind,
  CheckpointRecord,
  EpochRecord,
  GrantRecord,
  HeaderRecord,
  Id,
  ReceiptRecord
} from './records.ts'
import type { StateClaim } from './rollback.ts'
import type { TreeErrorCode } from './tree-error.ts'
import { openStoredTree } from './stored-tree.ts'

/** Opens names where keys are held; gives the name index its keys (HMAC of the name, 16 opaque bytes). */
export interface NameKeys {
  /** undefined when the name cannot be opened here. */
  nameKeyOf(header: HeaderRecord): Uint8Array | undefined
}

export interface TreeStateOptions {
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly clock: Clock
  /** When this release was built, in milliseconds since 1970: a clock that says less is not believed (B.7.5). */
  readonly releasedMs?: number
  /** Absent on a host without keys; names are then registered later by `registerName`. */
  readonly names?: NameKeys
  /** Refuses a tree that was made under a seeded Random (A30): for every node but those of simulators. */
  readonly refusesInsecure?: boolean
  /** The one tree whose records are taken; when absent, the first tree record that arrives decides. */
  readonly tree?: Id
  /** Decoded headers kept in memory; default 4096. */
  readonly headerCacheCount?: number
}

/** A record made here with our own keys; its signature was just produced and is not verified again. */
export interface LocalRecord {
  readonly record: AnyRecord
  /** The one small sector that travels beside a header (B.6). */
  readonly inline?: Uint8Array
  /** 16 bytes, HMAC of the name that this header seals; leave out when the name did not change. */
  readonly nameKey?: Uint8Array
  /**
   * A first version whose block id was drawn just now, under a name that its directory does not hold: nothing about
   * it has to be looked up. For bulk work, which has checked the directory as a whole.
   */
  readonly isNew?: boolean
}

export interface LocalBatch {
  readonly records: readonly LocalRecord[]
  readonly sectors?: readonly StoredSector[]
  /** Journal and other local facts that become durable with the records. */
  readonly local?: readonly IndexRow[]
}

/** What a peer offers. `births` are exact bytes of zone births that the records rest on (B.3). */
export interface Offer {
  readonly records: readonly { readonly bytes: Uint8Array; readonly inline?: Uint8Array }[]
  readonly births?: readonly Uint8Array[]
  readonly sectors?: readonly StoredSector[]
}

export interface Admission {
  /** Whose parked records are counted together. */
  readonly peer: string
  /**
   * `host`: the peer holds `host` for the zones, so validity alone decides. `writer`: clock, and the hook below, are
   * checked as well (B.8.7).
   */
  readonly from: 'host' | 'writer'
  /** Quota, rate, lease, base version: says why a header is not admitted. Never asked for `host` peers. */
  readonly refuse?: (header: HeaderRecord) => string | undefined
}

/** Records of peers that are kept in memory alone. */
export interface ParkedCount {
  readonly records: number
  /** Of these, of a format, type or critical extension of a later version: upgrade to understand them. */
  readonly unknownFormats: number
}

export type OfferOutcome = 'accepted' | 'known' | 'parked' | 'quarantined' | 'refused'

export interface OfferResult {
  /** undefined when the bytes are no envelope. */
  readonly id: Id | undefined
  readonly outcome: OfferOutcome
  /** Why it was parked or refused. */
  readonly code: TreeErrorCode | undefined
  readonly message: string | undefined
  /** Record or zone that a parked one waits for. */
  readonly missing: Id | undefined
  /** True when an honest peer cannot have sent this. */
  readonly penalty: boolean
}

/** What has to be known about a block without decoding a header: one row of the index. */
export interface BlockSummary {
  readonly block: Id
  readonly kind: BlockKind
  readonly zoneRoot: boolean
  readonly public: boolean
  readonly rank: number
  /** The zone that the block belongs to (of a zone root: the outer one). */
  readonly zone: Id
  /** Heads, best first, with effective versions; the first is the winner. Empty: nothing valid to show. */
  readonly heads: readonly VersionedHead[]
  readonly deleted: boolean
  /** Parent that the winner names; undefined for the root block. */
  readonly parent: Id | undefined
  /** Where the view shows it: the parent, or the zone root for orphans and the repaired member of a cycle. */
  readonly shownParent: Id | undefined
  readonly orphan: boolean
  readonly cycle: boolean
  /** A deleted directory that is shown because something in it lives. */
  readonly revived: boolean
  /** More than one head, or quarantine, late or pending headers: see `blockState(block).labels`. */
  readonly conflict: boolean
  /** undefined while no name was registered. */
  readonly nameKey: Uint8Array | undefined
}

export interface BlockLabels {
  readonly selfFork: boolean // two heads by one signer: is this data folder a copy? (E_SELF_FORK)
  readonly lostToRevocation: boolean // listed by an anchor, no valid header left
  readonly quarantine: readonly Id[] // not valid, and no ancestor of a valid one
  readonly adopted: readonly Id[] // not valid, shown as history of a valid one
  readonly late: readonly Id[] // valid, but not descended from what the anchors list
  readonly pending: readonly Id[] // waits for a prev that is not held
  readonly uncounted: readonly Id[] // heads beyond the best 4 of one cap
}

export interface BlockState extends BlockSummary {
  /** Decoded; undefined when nothing valid is held. */
  readonly winner: HeaderRecord | undefined
  /** Effective version of the winner; 0 without one. */
  readonly version: number
  readonly labels: BlockLabels
}

export interface ChildEntry {
  readonly block: Id
  readonly kind: BlockKind
  readonly zoneRoot: boolean
  readonly orphan: boolean
  readonly cycle: boolean
  readonly revived: boolean
  readonly conflict: boolean
}

export interface Page {
  /** Continue after this id (exclusive); from the start when absent. */
  readonly after?: Id
  /** Default 1000. */
  readonly limit?: number
}

export interface HistoryEntry {
  readonly header: HeaderRecord
  readonly label: 'winner' | 'head' | 'ancestor' | 'adopted' | 'quarantine' | 'late' | 'pending' | 'uncounted'
  /** undefined when not in line. */
  readonly version: number | undefined
}

/** First versions in one directory, by one signer, under one cap and key, of names that nothing else there has. */
export interface NewFiles {
  /** One of them, by which the others are judged. */
  readonly sample: HeaderRecord
  /** Block and record of each, 32 bytes each. */
  readonly blocks: Uint8Array
  readonly records: Uint8Array
}

export interface BlockChange {
  readonly block: Id
  readonly zone: Id
  readonly kind: BlockKind
  /** `conflicted`: it has one head more than before, and more than one; the winner may be another one too. */
  readonly change: 'created' | 'changed' | 'moved' | 'deleted' | 'restored' | 'conflicted' | 'lost' | 'named'
  readonly shownParent: Id | undefined
  readonly shownParentBefore: Id | undefined
  readonly winner: Id | undefined
}

/** A record that was taken, from here or from elsewhere. */
export interface TakenRecord {
  readonly id: Id
  readonly type: number
  /** Of a header: its block and the zone that this belongs to. */
  readonly block: Id | undefined
  readonly zone: Id | undefined
}

/** Held headers of a block that no held header names as prev: with their ancestors they are all that is held of it. */
export interface BlockTips {
  readonly block: Id
  /** Home zone. */
  readonly zone: Id
  /** In no particular order; views that are valid until the next step. */
  readonly tips: readonly Id[]
  /** An ancestor of theirs is not held. */
  readonly incomplete: boolean
}

/** Ids from the first (inclusive) to the second (exclusive; absent: to the end), as prefixes of up to 32 bytes. */
export interface IdRange {
  readonly from: Uint8Array
  readonly to?: Uint8Array
}

/** Kept in one row; exact after each commit. */
export interface TreeStatistics {
  readonly records: number
  readonly headers: number
  readonly blocks: number // with a winner, deleted ones too
  readonly live: number // with a winner that is not deleted
  readonly conflicts: number // blocks that `conflicts` lists
}

export interface RebuildProgress {
  readonly records: number
}

export interface TreeState {
  /** undefined until the tree record is held. */
  readonly tree: Id | undefined
  readonly rootBlock: Id | undefined
  /** Caps, principals, revocations, epochs, grants, deliveries, checkpoints, with look-ups; in memory. */
  readonly authority: Authority

  /**
   * Checks and takes records made here; visible at once, the promise resolves when durable. Rejects with a TreeError
   * (nothing stored) when a rule is broken: ERR_RECORD_MISSING for a record that is named but not held,
   * ERR_HEADER_RIGHT without the right, and so on. When the store fails (ERR_STORE_FULL, ERR_STORE_IO) the records
   * are gone again. Calls need not wait for each other.
   */
  commitLocal(batch: LocalBatch, options?: { readonly durability?: Durability }): Promise<void>
  /**
   * The same for many new files whose headers and rows were made in a worker (`newFileRows`): `append` stores them in
   * one batch with the rows that it is given. Undefined, with nothing done, when they need to be looked at one by one.
   */
  commitNewFiles(
    batch: NewFiles,
    append: (rows: readonly IndexRow[]) => Promise<void>
  ): Promise<void> | undefined
  /**
   * While set, new versions and checkpoints made here are refused (ERR_TREE_WENT_BACK): they would stand beside others that
   * were signed here before and are forgotten. Kept over a restart.
   */
  readonly holdsWrites: boolean
  setHoldsWrites(holds: boolean): Promise<void>
  /** Takes records from elsewhere; one result per record, in order. Resolves when what was accepted is durable. */
  offer(offer: Offer, admission: Admission): Promise<readonly OfferResult[]>

  /** One index look-up, no decoding. undefined: no header of this block is held. */
  blockSummary(block: Id): BlockSummary | undefined
  /** Synchronous; the winner is read and decoded, labels are worked out when the block has any. */
  blockState(block: Id): BlockState | undefined
  /** Synchronous, cached. ERR_RECORD_DAMAGED when the bytes do not hash to the id. */
  /** @param keep false passes by the cache: for one who reads very many, each once */
  header(id: Id, keep?: boolean): HeaderRecord | undefined
  /** The inline sector stored beside a header. */
  inlineOf(id: Id): Uint8Array | undefined
  record(id: Id): AnyRecord | undefined
  /** The zone a block belongs to. */
  zoneOf(block: Id): Id | undefined
  /** Exact birth bytes of a zone root. */
  zoneBirth(zone: Id): Uint8Array | undefined

  /** Held versions, newest first, with their labels. */
  history(block: Id): AsyncIterable<HistoryEntry>
  /** Shown children in block-id order, flat memory; a page from the state as of the call. */
  children(directory: Id, page?: Page): AsyncIterable<ChildEntry>
  /** Deleted blocks whose winner names this directory, in block-id order. */
  removedChildren(directory: Id, page?: Page): AsyncIterable<Id>
  /** Number of shown children: one look-up. */
  childCount(directory: Id): number
  /**
   * Shown children of `directory` registered under `nameKey`, in clash order: the first owns the name, the others
   * appear under conflict names (./directory-view.ts). One look-up when there is one.
   */
  findByName(directory: Id, nameKey: Uint8Array): readonly Id[]
  /** For headers that came by `offer` and were opened later. No effect when the key is already known. */
  registerName(block: Id, nameKey: Uint8Array): void
  /** Blocks with a winner and no registered name. */
  unnamedBlocks(): AsyncIterable<Id>
  /** Every block with a winner whose home is this zone (deleted ones too), sorted by (parent, block). */
  blocksOfZone(zone: Id): AsyncIterable<{ readonly parent: Id | undefined; readonly block: Id }>
  /** Blocks that have headers under exactly this cap. */
  blocksWrittenUnder(cap: Id): AsyncIterable<Id>
  /** Blocks with more than one head, or quarantine, late, pending or lost headers, in block-id order. */
  conflicts(page?: Page): AsyncIterable<BlockState>
  /** Valid, complete checkpoints of a zone that no other such checkpoint follows (B.8.9). */
  anchors(zone: Id): readonly CheckpointRecord[]
  /** Bases of a zone that its anchors stand for, newest first: below their entries nothing need be held (MODEL B.10). */
  bases(zone: Id): readonly CheckpointRecord[]
  /** Ids of the bases of all zones, sorted. */
  baseIds(): readonly Id[]
  /**
   * What `blockTips` and `missingOf` rest on beside the rows: another text as soon as another base counts in any zone, or
   * what it lists is held; empty without bases.
   */
  readonly basesInForce: string
  /**
   * Told of every block whose row was written or removed, by whatever work, in the same turn in which readers see it; and
   * once more when the store refused it. @returns a function that ends it
   */
  onBlockRows(listener: (blocks: readonly Id[]) => void): () => void
  /** True when a base has this block among its graves: nothing of it need be held. */
  isBuried(block: Id): boolean
  /** Blocks that the manifest of a checkpoint has among its graves, in their order. */
  graves(checkpoint: Id): AsyncIterable<Id>
  /** What the manifest of a checkpoint lists of a block; undefined when nothing, or when the manifest is not held. */
  listedHeads(checkpoint: Id, block: Id): readonly VersionedHead[] | undefined
  /** Ancestors of held headers of a block that are not held and should be, sorted. */
  missingOf(block: Id): readonly Id[]
  /** True when what lies below this header need not be held: a base lists it. */
  mayEndAt(header: HeaderRecord): boolean
  /** Gives up what lies below the newest base of a zone, and what is buried in it. */
  prune(zone: Id, options?: PruneOptions): Promise<PruneReport>
  /** True when the checkpoint's prev chain, manifest and every entry are held and match. */
  isCompleteCheckpoint(checkpoint: Id): boolean
  authorityRecords(): Iterable<AnyRecord>
  /** Counts of what was offered and waits. */
  readonly parked: ParkedCount
  /**
   * True when what a peer offers as the newest lies below what is known here: it shows an old state (E_ROLLBACK). Its
   * records may be taken all the same; nothing that is shown here goes back.
   */
  isRollback(claim: StateClaim): boolean

  /** The chain of records that allows `right` on `block` to `principal`, or the first link that fails. */
  explain(principal: Id, block: Id, right: number): Explanation
  /** As `explain`, for whatever is in `zone`: the header of its root belongs to the zone around it. */
  explainInside(principal: Id, zone: Id, right: number): Explanation
  /**
   * The cap under which `principal` may do `right` on `block` now, the shortest chain first; `cap` is undefined for the
   * root. For a new block give the directory's zone as `home`. undefined when nothing allows it.
   */
  capFor(
    principal: Id,
    act: { readonly block: Id; readonly home: Id; readonly rights: number }
  ): { readonly cap: Id | undefined; readonly rank: number } | undefined
  /** Epochs of a zone that may serve for a write, best first: highest number, then lower id (B.5). */
  currentEpochs(zone: Id): readonly EpochRecord[]
  /** Grants over a zone or block that are neither revoked, expired at `now`, nor void. */
  liveGrants(target: Id): readonly GrantRecord[]
  statistics(): TreeStatistics
  /** Called after each change, synchronously, in order. @returns a function that ends it */
  onChange(listener: (change: BlockChange) => void): () => void
  /**
   * Called after each change, synchronously, in order, with every record that it took. `durable` settles as the commit
   * does: when it rejects, the records are gone again. @returns a function that ends it
   */
  onTaken(listener: (taken: readonly TakenRecord[], durable: Promise<void>) => void): () => void
  /** What is held of each block, in block-id order, also of blocks without a winner; rows as of the call. */
  blockTips(range: IdRange): AsyncIterable<BlockTips>
  /** Every held header of a block, shown or not, in no particular order. */
  headersOf(block: Id): readonly HeaderRecord[]
  /** Ids of all held receipts, in order. */
  receiptIds(range: IdRange): AsyncIterable<Id>
  /** Held receipts that name this record. */
  receiptsOver(record: Id): readonly ReceiptRecord[]
  /** Verifies every stored record: id, signature, static chain. Yields the damaged ones. */
  verifyAll(options?: {
    readonly signal?: AbortSignal
  }): AsyncIterable<{ readonly id: Id; readonly message: string }>
  /** Resolves when re-evaluations that earlier calls or a crash left are done. */
  settled(): Promise<void>
  close(): void
}

/** Loads the authority records and resumes re-evaluations that a crash cut short; no header is read. */
export function createTreeState(options: TreeStateOptions): Promise<TreeState> {
  return openStoredTree(options)
}
