/** Replication of trees between nodes (pure over ports). */
export type { ByteRange } from './byte-range.ts'
export { type ContentStatus, policiesRow } from './content-keeper.ts'
export type { ContentCount } from './content-review.ts'
export { isLetGo } from './content-rows.ts'
export * as limits from './limits.ts'
export { treeOfMessage } from './messages.ts'
export type { ToldChange } from './messages.ts'
export { decodeSeenAnswer } from './messages.ts'
export { methodNames } from './method-names.ts'
export { isPayloadHeld } from './payload-parts.ts'
export type { Pace, SectorPolicy, Self, SyncNote, SyncPorts } from './ports.ts'
export type { Promised } from './promise-book.ts'
export type { ScrubOptions, ScrubReport } from './scrubber.ts'
export { SyncError, type SyncErrorCode } from './sync-error.ts'
export {
  type PeerStatus,
  type PromiseReport,
  type SyncPeer,
  type SyncStatus,
  type TreeSyncOptions,
  TreeSync
} from './tree-sync.ts'
export { type WritePromise, type WritePromiseDeps, promiseOfWrite } from './write-promise.ts'
export { ZoneHosts } from './zone-hosts.ts'
