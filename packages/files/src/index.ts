export { type Actor, type WriteKey, createActor } from './actor.ts'
export { namesPending } from './arrivals.ts'
export type { FileSealer, SealedBatch, SealingBatch } from './file-sealer.ts'
export { type BulkTarget, type FileRecipe, type PreparedFile, buildFileRecords } from './build-file.ts'
export type { PreparedOutcome } from './commit-prepared.ts'
export { CommitBatch } from './commit-batch.ts'
export type { Conflict } from './conflicts.ts'
export type { SettleOptions, SettleReply } from './unshown-conflict.ts'
export { type CopyReply, type CopyRequest, copyTree, runCopy } from './cross-zone-copy.ts'
export { type Entry, type EntryKind, entryOf } from './entry.ts'
export {
  type FilesContext,
  type OpenSector,
  type Located,
  canReadZone,
  isPublicZone,
  locate,
  openFor,
  zoneOfChildren
} from './files-context.ts'
export { FilesError, type FilesErrorCode } from './files-error.ts'
export { type Files, type FilesOptions, createFiles } from './files.ts'
export { nameKeyFor } from './index-names.ts'
export { type Job, type JobKind, jobKind } from './job-journal.ts'
export * as limits from './limits.ts'
export type { ShownKeepPolicy } from './keep-policy.ts'
export type { ListOptions, ListOrder, ListPage } from './list.ts'
export { type DirectoryOptions, type NewDirectory, newDirectory } from './make-directory.ts'
export { type MetadataChange, applyMetadata } from './metadata.ts'
export type { CopyOptions, MoveOptions, MoveReply } from './move.ts'
export { nameKey } from './name-key.ts'
export { type NameOpener, createNameOpener } from './name-opener.ts'
export type { ContentSource, FileContent, FileStream, ReadOptions } from './read-file.ts'
export type { RemoveOptions, RemoveReply } from './remove.ts'
export { type NamedPlace, type Place, resolveDirectory, resolveName, resolvePath } from './resolve-path.ts'
export type { ResumedJob } from './resume-jobs.ts'
export type { AcceptedAccess } from './sharing/access-accept.ts'
export type { Approval, ApprovedAccess } from './sharing/access-approve.ts'
export type { AccessRequest, RequestDraft } from './sharing/access-request.ts'
export { type BundleReport, type BundleSelection, collectTree } from './sharing/bundle-export.ts'
export type { ImportReport } from './sharing/bundle-import.ts'
export { type BundleStart, readBundleStart } from './sharing/bundle-tree.ts'
export { type NewTree, type TreeGenesis, allRights, createTree, signGenesis } from './sharing/create-tree.ts'
export type { AccessExplanation, ExplainedStep, ExplainRequest } from './sharing/explain-access.ts'
export type { GrantRecipient, GrantRequest, IssuedGrant } from './sharing/issue-grant.ts'
export type { CapRequest } from './sharing/issue-write-cap.ts'
export type { KeyUpkeepReport } from './sharing/keep-keys.ts'
export { type LinkActor, createLinkActor } from './sharing/link-actor.ts'
export { type LinkText, parseLink } from './sharing/link-secret.ts'
export type { CapView } from './sharing/list-caps.ts'
export type { GrantState, GrantView } from './sharing/list-grants.ts'
export type { OpenedLink } from './sharing/open-link.ts'
export type { ZonePruneOptions, ZonePruneReport } from './sharing/prune-zone.ts'
export type { QuarantinedBlock } from './sharing/quarantine.ts'
export type { CapRevocationReport, RevokeCapOptions } from './sharing/revoke-cap.ts'
export type { ExposedPart, ExposureReport, RevokeReaderOptions } from './sharing/revoke-reader.ts'
export { parseRight, parseRights, rightNames } from './sharing/right-names.ts'
export type { RootSummary, RootSummaryOptions, ZoneSummary } from './sharing/root-summary.ts'
export type { ShareOptions, ShareReport } from './sharing/share-directory.ts'
export type { SuccessionReport, SuccessionRequest } from './sharing/succeed-root.ts'
export type { UndoneRevocation } from './sharing/undone-revocations.ts'
export type { ZoneCheckpoint } from './sharing/zone-checkpoint.ts'
export { SupportingRecords } from './sharing/supporting-records.ts'
export { type ResumeReport, type Sharing, createSharing } from './sharing/sharing.ts'
export { firstSharedZone } from './shared-zones.ts'
export type { VersionInfo } from './versions.ts'
export { walkTree } from './walk-tree.ts'
export type { FileEvent, LostEvents, WatchOptions } from './watch.ts'
export type { CreateOptions, LargeContent, StreamOptions, WriteOptions, WriteReply } from './write-file.ts'
export {
  type NewBlock,
  type VersionChange,
  capFor,
  makeBlock,
  makeVersion,
  newBirth,
  signFirstVersion,
  writeKeyFor
} from './write-version.ts'
export type { WriterCap, WriterPlace } from './writer-caps.ts'
