export { type Actor, type WriteKey, createActor } from './actor.ts'
export { type BulkTarget, type FileRecipe, type PreparedFile, buildFileRecords } from './build-file.ts'
export type { PreparedOutcome } from './commit-prepared.ts'
export { CommitBatch } from './commit-batch.ts'
export type { Conflict } from './conflicts.ts'
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
export { type Job, type JobKind, jobKind } from './job-journal.ts'
export * as limits from './limits.ts'
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
export { type NewTree, type TreeGenesis, createTree } from './sharing/create-tree.ts'
export { type Sharing, createSharing } from './sharing/sharing.ts'
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
