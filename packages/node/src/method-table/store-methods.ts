/** transfer.*, backup.*, store.*, checkpoint.*: content in bulk, and its upkeep. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import { type Empty, identifier, localPath, path, secretText, type Shape, size } from './shape.ts'
import { type Waiting, type WritePromise, wait, writePromise } from './write-promise.ts'

export interface TransferReport {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  /** Files that were there already and did not change. */
  readonly unchanged: number
  /** Entries that could not be taken, at most 1,000, each with its reason. */
  readonly problems: readonly { readonly path: string; readonly code: string; readonly reason: string }[]
  /** All of them. */
  readonly problemCount: number
}

export interface ImportReport extends TransferReport {
  readonly promise: WritePromise
}

export interface CheckReport {
  readonly records: number
  readonly sectors: number
  readonly bytes: number
  readonly segments: number
  readonly problems: readonly { readonly code: string; readonly reason: string; readonly place: string }[]
  readonly indexRebuilt: boolean
}

export interface SpaceReport {
  readonly segments: number
  readonly segmentBytes: number
  readonly indexBytes: number
  readonly freeBytes: number
  readonly totalBytes: number
}

export interface CollectReport {
  readonly segmentsRemoved: number
  readonly bytesFreed: number
  /** Live content that was copied out of them. */
  readonly bytesCopied: number
  /** Sectors that versions name and the store does not hold; content is missing when it is not 0. */
  readonly sectorsMissing: number
}

export interface BackupReport {
  readonly file: string
  readonly records: number
  readonly sectors: number
  readonly bytes: number
}

export interface DrillReport extends BackupReport {
  /** The root summary of the restored copy equals the live one at the time of the backup. */
  readonly isIdentical: boolean
  /** It also equals the tree of this moment: nothing was written since. */
  readonly isCurrent: boolean
  readonly durationMs: number
}

export interface PruneReport {
  /** Only counted. */
  readonly dryRun: boolean
  readonly zones: readonly {
    readonly zone: string
    /** Below which versions were given up; left out while no checkpoint is old enough. */
    readonly base?: string | undefined
    readonly versions: number
    readonly recordBytes: number
    /** Removed blocks of which nothing is held any more. */
    readonly buried: number
    /** Blocks left as they are: something in them waits for a decision. */
    readonly kept: number
    /** Removed blocks that a checkpoint signed now has buried. */
    readonly graves: number
    readonly isNewCheckpoint: boolean
  }[]
}

export interface StoreMethods {
  readonly 'transfer.import': Shape<
    {
      readonly source: string
      readonly destination: string
      readonly replace?: boolean | undefined
      readonly followLinks?: boolean | undefined
      readonly fence?: number | undefined
    } & Waiting,
    ImportReport
  >
  readonly 'transfer.export': Shape<
    { readonly source: string; readonly destination: string; readonly replace?: boolean | undefined },
    TransferReport
  >
  readonly 'backup.create': Shape<
    { readonly file: string; readonly passphrase: string; readonly path?: string | undefined },
    BackupReport
  >
  readonly 'backup.restore': Shape<{ readonly file: string; readonly passphrase: string }, BackupReport>
  readonly 'backup.drill': Shape<
    { readonly file?: string | undefined; readonly passphrase?: string | undefined },
    DrillReport
  >
  readonly 'store.check': Shape<
    { readonly quick?: boolean | undefined; readonly rebuildIndex?: boolean | undefined },
    CheckReport
  >
  readonly 'store.gc': Shape<{ readonly removed?: boolean | undefined }, CollectReport>
  readonly 'store.compact': Shape<Empty, CollectReport>
  readonly 'store.prune': Shape<
    {
      readonly path?: string | undefined
      readonly olderThanDays?: number | undefined
      readonly versions?: number | undefined
      readonly dryRun?: boolean | undefined
      readonly force?: boolean | undefined
    },
    PruneReport
  >
  readonly 'store.space': Shape<Empty, SpaceReport>
  readonly 'checkpoint.create': Shape<
    { readonly path?: string | undefined },
    {
      readonly checkpoints: readonly {
        readonly zone: string
        readonly id: string
        readonly sequence: number
        /** False when the last one says the same already. */
        readonly isNew: boolean
      }[]
    }
  >
}

const text = schema.string()
const flag = schema.optional(schema.boolean())

const transferFields = {
  files: size,
  directories: size,
  symlinks: size,
  bytes: size,
  unchanged: size,
  problems: schema.array(schema.object({ path: text, code: text, reason: text })),
  problemCount: size
}
const transferReport = schema.object(transferFields)
const importReport = schema.object({ ...transferFields, promise: writePromise })
const backupReport = { file: text, records: size, sectors: size, bytes: size }
const collectReport = schema.object({
  segmentsRemoved: size,
  bytesFreed: size,
  bytesCopied: size,
  sectorsMissing: size
})
const backupErrors = errors('ERR_PATH_LOCAL', 'ERR_BACKUP_PASSPHRASE', 'ERR_BACKUP_CORRUPT', 'ERR_STORE_FULL')

const definitions = [
  defineMethod({
    name: 'transfer.import',
    summary: 'Takes a file or directory of the host into the tree; resumable, unchanged files are skipped',
    description:
      'A `fence` is the token of what is at the destination: looked at before the first and after the last write, and about every second between; the import ends when the lock has passed on.',
    params: schema.object({
      source: localPath,
      destination: path,
      replace: flag,
      followLinks: flag,
      fence: schema.optional(schema.integer({ min: 1 })),
      wait
    }),
    result: importReport,
    errors: errors(
      'ERR_PATH_LOCAL',
      'ERR_PATH_INVALID',
      'ERR_ACCESS_DENIED',
      'ERR_STORE_FULL',
      'ERR_LOCK_FENCED',
      'ERR_COORDINATOR_NO_MAJORITY'
    )
  }),
  defineMethod({
    name: 'transfer.export',
    summary: 'Writes a file or directory of the tree to the host; resumable, unchanged files are skipped',
    params: schema.object({ source: path, destination: localPath, replace: flag }),
    result: transferReport,
    errors: errors('ERR_PATH_LOCAL', 'ERR_PATH_INVALID', 'ERR_FILE_NOT_FOUND', 'ERR_ACCESS_DENIED')
  }),
  defineMethod({
    name: 'backup.create',
    summary: 'Writes the tree, or what is below a path, to one encrypted file',
    params: schema.object({ file: localPath, passphrase: secretText, path: schema.optional(path) }),
    result: schema.object(backupReport),
    errors: backupErrors
  }),
  defineMethod({
    name: 'backup.restore',
    summary: 'Takes everything a backup holds into this node',
    params: schema.object({ file: localPath, passphrase: secretText }),
    result: schema.object(backupReport),
    errors: backupErrors
  }),
  defineMethod({
    name: 'backup.drill',
    summary: 'Restores a backup to a scratch place and compares, to prove that it works',
    description: 'Without a file a fresh backup is made, restored and removed again.',
    params: schema.object({ file: schema.optional(localPath), passphrase: schema.optional(secretText) }),
    result: schema.object({
      ...backupReport,
      isIdentical: schema.boolean(),
      isCurrent: schema.boolean(),
      durationMs: size
    }),
    errors: backupErrors
  }),
  defineMethod({
    name: 'store.check',
    summary: 'Reads back and verifies everything in all trees kept here, with quick only the structure',
    params: schema.object({ quick: flag, rebuildIndex: flag }),
    result: schema.object({
      records: size,
      sectors: size,
      bytes: size,
      segments: size,
      problems: schema.array(schema.object({ code: text, reason: text, place: text })),
      indexRebuilt: schema.boolean()
    })
  }),
  defineMethod({
    name: 'store.gc',
    summary:
      'Removes content that no version in any tree kept here needs; with removed also that of removed files',
    description:
      'With "removed" the content of removed files goes for good: they cannot be restored afterwards.',
    params: schema.object({ removed: flag }),
    result: collectReport
  }),
  defineMethod({
    name: 'store.compact',
    summary: 'Rewrites segments that are mostly dead',
    result: collectReport
  }),
  defineMethod({
    name: 'store.prune',
    summary: 'Gives up old versions, and files that were removed long ago, of a zone or of all of them',
    description:
      'Names the newest checkpoint that is old enough as base (with the right admin), buries what was removed before it, and drops ' +
      'versions below it on this node. What is shown stays; space comes back with "store.gc". A node that was away for longer finds what ' +
      'it wrote upon dropped versions listed as late.',
    params: schema.object({
      path: schema.optional(path),
      olderThanDays: schema.optional(size),
      versions: schema.optional(size),
      dryRun: flag,
      force: flag
    }),
    result: schema.object({
      dryRun: schema.boolean(),
      zones: schema.array(
        schema.object({
          zone: identifier,
          base: schema.optional(identifier),
          versions: size,
          recordBytes: size,
          buried: size,
          kept: size,
          graves: size,
          isNewCheckpoint: schema.boolean()
        })
      )
    }),
    errors: errors('ERR_PRUNE_YOUNG', 'ERR_FILE_NOT_FOUND')
  }),
  defineMethod({
    name: 'store.space',
    summary: 'What the data directory holds and what could be freed',
    result: schema.object({
      segments: size,
      segmentBytes: size,
      indexBytes: size,
      freeBytes: size,
      totalBytes: size
    })
  }),
  defineMethod({
    name: 'checkpoint.create',
    summary: 'Signs a summary of a zone, or of all of them: anchor for proofs and revocations',
    params: schema.object({ path: schema.optional(path) }),
    result: schema.object({
      checkpoints: schema.array(
        schema.object({ zone: identifier, id: identifier, sequence: size, isNew: schema.boolean() })
      )
    }),
    errors: errors('ERR_ACCESS_DENIED', 'ERR_FILE_NOT_FOUND')
  })
] as const

export const storeMethodTable: MethodTable<StoreMethods> = createMethodTable(definitions)
