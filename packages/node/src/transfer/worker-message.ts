/**
 * What the main thread and the transfer workers say to each other. Sealed bytes lie in shared buffers; keys travel
 * once at the start of a job and are wiped at its end. Small arrays of a worker are parts of shared chunks
 * (`cutBytesFromChunks`), and a message copies the whole buffer of an array: results are copies of their own.
 */
import type { PackedFrames } from '@blocktree/store'
import type { Id, PayloadDescriptor } from '@blocktree/tree'
import type { TransferProblemCode } from './transfer-problem.ts'

export interface WorkerSettings {
  readonly provider: 'native' | 'portable'
  /** Directory that holds `segments/`. */
  readonly storeDirectory: string
  readonly frameSalt: number
}

/** Secrets of one job; the buffers belong to the worker. */
export interface JobSecrets {
  readonly signerId: Id
  /** Absent in an export. */
  readonly signSeed: Uint8Array<ArrayBuffer> | undefined
  readonly nameSecret: Uint8Array<ArrayBuffer> | undefined
}

/** A zone as a writer sees it: what the headers of new files need. */
export interface ZoneTarget {
  readonly tree: Id
  readonly zone: Id
  readonly isPublic: boolean
  readonly cap: Id | undefined
  readonly rank: number
  readonly epoch: Id | undefined
  readonly key: Uint8Array<ArrayBuffer> | undefined
}

export const entryKind = { file: 0, directory: 1, symlink: 2, special: 3, name: 4, unreadable: 5 } as const

export interface ScanWork {
  readonly path: string
  readonly followLinks: boolean
}

/** Arrays of one entry each, sorted as the system gives them. */
export interface ScanResult {
  readonly names: readonly string[]
  readonly kinds: Uint8Array
  readonly sizes: Float64Array
  readonly modifiedMs: Float64Array
  readonly modes: Uint16Array
  /** Target of a symbolic link, device and inode of a directory, or the reason of a problem. */
  readonly texts: readonly (string | undefined)[]
}

export interface PackWork {
  /** Source directory. */
  readonly path: string
  readonly names: readonly string[]
  /** Names in the tree where they differ from those of the source. */
  readonly shownNames: readonly (string | undefined)[]
  /** 1 where the file replaces one: then content is sealed and no header made. */
  readonly replaces: Uint8Array
  /** Nothing but what this import puts there is in the directory: headers come as frames of the log. */
  readonly isFresh: boolean
  readonly followLinks: boolean
  /** Number of the zone target, as given by `target` messages. */
  readonly target: number
  /** The directory that the files go into. */
  readonly directory: Id
}

export interface FileFailure {
  readonly index: number
  readonly code: TransferProblemCode | 'large'
  readonly reason: string
}

export interface SealedContent {
  readonly index: number
  readonly size: number
  readonly modifiedMs: number
  readonly mode: number
  readonly aead: PayloadDescriptor['aead']
  readonly levels: number
  readonly stored: number
  readonly rootHash: Uint8Array
  readonly rootKey: Uint8Array | undefined
}

/** New files, their headers with all rows that follow from them: to be stored as they are, or not at all. */
export interface NewFilesResult {
  readonly frames: PackedFrames
  /** 32 bytes each. */
  readonly blocks: Uint8Array
  readonly records: Uint8Array
}

export interface PackResult {
  /** See ./packed-headers.ts. One of them only when there is `newFiles`. */
  readonly headers: ArrayBuffer
  readonly newFiles: NewFilesResult | undefined
  readonly replaced: readonly SealedContent[]
  readonly failures: readonly FileFailure[]
  readonly bytes: number
}

/** Small files that came by calls, all for one directory. */
export interface SealWork {
  readonly target: number
  readonly directory: Id
  readonly sectorLog2: number
  readonly names: readonly string[]
  readonly lengths: Uint32Array
  readonly modifiedMs: Float64Array
  /** One after another; moved to the worker. */
  readonly contents: Uint8Array<ArrayBuffer>
}

export interface SealResult {
  /** Envelope of the first header. */
  readonly sample: Uint8Array
  readonly newFiles: NewFilesResult
}

export interface UnitWork {
  readonly path: string
  readonly followLinks: boolean
  readonly target: number
  readonly directory: Id
  readonly size: number
  readonly modifiedMs: number
  /** Of the first sector of this unit in the file. */
  readonly firstLeaf: number
  readonly leaves: number
}

export interface UnitResult {
  /** A node of level 1, or a single sector when the unit has no more. */
  readonly hash: Uint8Array
  readonly key: Uint8Array
  readonly stored: number
  readonly failure: FileFailure | undefined
}

export interface OpenWork {
  /** Record ids of 32 bytes, one after another. */
  readonly records: Uint8Array
  /** Segment, offset and length of each, or zeros. */
  readonly places: Float64Array
}

/** What headers say; arrays of one entry each. */
export interface OpenResult {
  readonly names: readonly (string | undefined)[]
  readonly sizes: Float64Array
  readonly modifiedMs: Float64Array
  readonly modes: Int32Array
}

export interface UnpackWork extends OpenWork {
  /** Destination directory, opened by the main thread. */
  readonly path: string
  readonly isLink: Uint8Array
  /** Ids of the blocks, 32 bytes each. */
  readonly blocks: Uint8Array
  /** Names where they are not the sealed ones. */
  readonly shownNames: readonly (string | undefined)[]
  readonly replace: boolean
  /** The directory was made by this export: nothing can be in it. */
  readonly isFresh: boolean
}

export interface LargeFile {
  readonly index: number
  readonly name: string
  readonly size: number
  readonly modifiedMs: number | undefined
  readonly mode: number | undefined
}

export interface UnpackResult {
  readonly files: number
  readonly symlinks: number
  readonly bytes: number
  readonly unchanged: number
  readonly large: readonly LargeFile[]
  readonly failures: readonly (FileFailure & { readonly name: string })[]
}

export interface RangeWork extends OpenWork {
  /** Open for writing by the main thread. */
  readonly fd: number
  readonly from: number
  readonly to: number
}

export interface RangeResult {
  readonly bytes: number
}

/** Each kind of task with what it takes and gives. */
export interface Tasks {
  readonly scan: { readonly work: ScanWork; readonly result: ScanResult }
  readonly pack: { readonly work: PackWork; readonly result: PackResult }
  readonly seal: { readonly work: SealWork; readonly result: SealResult }
  readonly unit: { readonly work: UnitWork; readonly result: UnitResult }
  readonly open: { readonly work: OpenWork; readonly result: OpenResult }
  readonly unpack: { readonly work: UnpackWork; readonly result: UnpackResult }
  readonly range: { readonly work: RangeWork; readonly result: RangeResult }
}
export type TaskKind = keyof Tasks

export type TaskMessage = {
  readonly [Kind in TaskKind]: {
    readonly type: 'task'
    readonly task: number
    readonly job: number
    readonly kind: Kind
    readonly work: Tasks[Kind]['work']
  }
}[TaskKind]

export type ToWorker =
  | { readonly type: 'job'; readonly job: number; readonly secrets: JobSecrets }
  | { readonly type: 'target'; readonly job: number; readonly target: number; readonly zone: ZoneTarget }
  | {
      readonly type: 'epoch'
      readonly job: number
      readonly epoch: Id
      readonly key: Uint8Array<ArrayBuffer>
    }
  | { readonly type: 'end'; readonly job: number }
  | TaskMessage
  | { readonly type: 'buffer'; readonly buffer: SharedArrayBuffer }
  | { readonly type: 'answer'; readonly question: number; readonly places: Float64Array }
  | { readonly type: 'bytes'; readonly question: number; readonly bytes: Uint8Array | undefined }

export type FromWorker =
  | { readonly type: 'ready' }
  | {
      readonly type: 'frames'
      readonly job: number
      readonly buffer: SharedArrayBuffer
      readonly used: number
      readonly frames: Omit<PackedFrames, 'bytes'>
    }
  | { readonly type: 'done'; readonly task: number; readonly result: Tasks[TaskKind]['result'] }
  | { readonly type: 'failed'; readonly task: number; readonly code: string; readonly message: string }
  /** Where these sectors lie: three numbers each. */
  | { readonly type: 'places'; readonly job: number; readonly question: number; readonly hashes: Uint8Array }
  /** The bytes of one that was not where it was said to be. */
  | {
      readonly type: 'read'
      readonly job: number
      readonly question: number
      readonly kind: 'record' | 'sector'
      readonly reference: Uint8Array
    }
