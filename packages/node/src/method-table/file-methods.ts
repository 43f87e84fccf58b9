/** file.*: what is in the tree, as files. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import {
  type DownloadShape,
  identifier,
  path,
  type Shape,
  size,
  type SubscriptionShape,
  timeMs,
  type UploadShape
} from './shape.ts'
import { type Waiting, type WritePromise, wait, writePromise } from './write-promise.ts'

export type FileKind = 'directory' | 'file' | 'symlink' | 'package' | 'node'

export interface FileStatus {
  readonly path: string
  readonly name: string
  readonly id: string
  readonly kind: FileKind
  /** Exact bytes of the content; 0 for directories. */
  readonly size: number
  readonly version: number
  /** The shown version: what `ifVersion` of a write takes. */
  readonly versionId: string
  /** Principal that signed the shown version. */
  readonly writer: string
  /** The directory is a zone of its own: it can be shared by itself. */
  readonly isZone: boolean
  readonly modifiedMs?: number | undefined
  readonly mode?: number | undefined
  readonly mediaType?: string | undefined
  readonly attributes?: Readonly<Record<string, Uint8Array>> | undefined
  /** Of a symbolic link. */
  readonly target?: string | undefined
  /** `conflict`, `cycle`, `orphan`, `revived`, `public`, `unreadable`. */
  readonly flags: readonly string[]
}

export interface Metadata {
  readonly modifiedMs?: number | undefined
  readonly mode?: number | undefined
  readonly mediaType?: string | undefined
  readonly attributes?: Readonly<Record<string, Uint8Array>> | undefined
}

export interface FileVersion {
  readonly versionId: string
  /** Absent when it is not in line with the others. */
  readonly version?: number | undefined
  /** `winner`, `head`, `ancestor`, `adopted`, `quarantine`, `late`, `pending`, `uncounted`. */
  readonly label: string
  readonly writer: string
  readonly isDeleted: boolean
  /** Absent when this principal cannot open it. */
  readonly name?: string | undefined
  readonly size?: number | undefined
  readonly modifiedMs?: number | undefined
  readonly isCurrent: boolean
  /** False when its content is no longer stored. */
  readonly isRestorable: boolean
}

export interface FileConflict {
  /** Absent when this principal cannot name it. Of what is not shown: where it was. */
  readonly path?: string | undefined
  /** Of a tree of somebody else that is kept here; absent for the own one. */
  readonly treeId?: string | undefined
  readonly id: string
  /** False: nothing of it is shown, because it was removed for good while somebody wrote in it, say; file.settle ends that. */
  readonly isShown: boolean
  /** Competing versions, the shown one first; of what is not shown, those that wait. */
  readonly heads: readonly string[]
  /** What the writers of these versions are called, in the same order. */
  readonly writers: readonly string[]
  /** `selfFork`, `lostToRevocation`, `quarantine`, `late`, `pending`, `uncounted`. */
  readonly labels: readonly string[]
}

export interface FileEvent {
  /** `overrun`: changes were missed; list again and go on from the token. */
  readonly type: 'created' | 'changed' | 'moved' | 'deleted' | 'restored' | 'conflicted' | 'lost' | 'overrun'
  readonly path?: string | undefined
  readonly id?: string | undefined
  readonly kind?: FileKind | undefined
  /** The version that is shown now; absent when none is. */
  readonly versionId?: string | undefined
  /** Pass it as `resume` to go on after this event. */
  readonly token: string
}

/** What a write says of itself. */
export interface WriteAnswer {
  readonly id: string
  /** The new version: what `ifVersion` of the next write takes. */
  readonly versionId: string
  readonly size: number
  /** Principals that keep reading although their grant was revoked, until somebody re-keys. */
  readonly exposed: readonly string[]
  readonly promise: WritePromise
}

export interface MoveAnswer {
  /** The id at the destination: another one when a zone was left. */
  readonly id: string
  readonly crossedZone: boolean
  readonly blocks: number
  readonly promise: WritePromise
}

export interface SettleAnswer {
  /** Where what was kept is now; absent when nothing was. */
  readonly path?: string | undefined
  readonly id?: string | undefined
  readonly versionId?: string | undefined
  /** Versions that wait for nobody any more. */
  readonly settled: number
  readonly promise: WritePromise
}

export interface RemoveAnswer {
  readonly removed: number
  readonly promise: WritePromise
}

interface PathParams {
  readonly path: string
}

/** The write is refused with ERR_FILE_CHANGED unless this version is the shown one. */
interface Expectation extends Waiting {
  readonly ifVersion?: string | undefined
  /** Token of the lock on this file (lock.acquire): refused with ERR_LOCK_FENCED when the lock was given on since. */
  readonly fence?: number | undefined
}

interface Placement extends Waiting {
  readonly source: string
  readonly destination: string
  readonly replace?: boolean | undefined
}

export interface FileMethods {
  readonly 'file.stat': Shape<PathParams & { readonly followLink?: boolean | undefined }, FileStatus>
  readonly 'file.list': Shape<
    PathParams & {
      readonly cursor?: string | undefined
      readonly limit?: number | undefined
      readonly order?: 'id' | 'name' | undefined
    },
    {
      readonly entries: readonly FileStatus[]
      readonly order: 'id' | 'name'
      /** Entries of the directory now. */
      readonly total: number
      readonly cursor?: string | undefined
    }
  >
  readonly 'file.mkdir': Shape<
    PathParams & Waiting & { readonly parents?: boolean | undefined; readonly zone?: boolean | undefined },
    WriteAnswer
  >
  readonly 'file.create': Shape<
    PathParams &
      Metadata &
      Expectation & { readonly data: Uint8Array; readonly replace?: boolean | undefined },
    WriteAnswer
  >
  readonly 'file.write': Shape<
    PathParams & Expectation & { readonly offset: number; readonly data: Uint8Array },
    WriteAnswer
  >
  readonly 'file.append': Shape<PathParams & Expectation & { readonly data: Uint8Array }, WriteAnswer>
  readonly 'file.truncate': Shape<PathParams & Expectation & { readonly size: number }, WriteAnswer>
  readonly 'file.put': UploadShape<
    PathParams & Metadata & Expectation & { readonly replace?: boolean | undefined },
    WriteAnswer
  >
  readonly 'file.read': Shape<
    PathParams & { readonly offset?: number | undefined; readonly length?: number | undefined },
    { readonly data: Uint8Array; readonly size: number; readonly versionId: string }
  >
  readonly 'file.get': DownloadShape<
    PathParams & {
      readonly offset?: number | undefined
      readonly length?: number | undefined
      readonly version?: string | undefined
    },
    { readonly size: number; readonly bytes: number; readonly versionId: string }
  >
  readonly 'file.move': Shape<
    Placement & { readonly dropShares?: boolean | undefined; readonly fence?: number | undefined },
    MoveAnswer
  >
  readonly 'file.copy': Shape<
    Placement & { readonly recursive?: boolean | undefined; readonly fence?: number | undefined },
    MoveAnswer
  >
  readonly 'file.remove': Shape<
    PathParams & Waiting & { readonly recursive?: boolean | undefined; readonly fence?: number | undefined },
    RemoveAnswer
  >
  readonly 'file.history': Shape<
    PathParams & { readonly block?: string | undefined; readonly limit?: number | undefined },
    { readonly versions: readonly FileVersion[] }
  >
  readonly 'file.restore': Shape<PathParams & Expectation & { readonly version: string }, WriteAnswer>
  readonly 'file.undelete': Shape<PathParams & Waiting, WriteAnswer>
  readonly 'file.resolve': Shape<
    PathParams & Waiting & { readonly keep?: string | undefined; readonly drop?: boolean | undefined },
    WriteAnswer
  >
  readonly 'file.settle': Shape<
    Waiting & {
      readonly block: string
      readonly treeId?: string | undefined
      readonly keep?: string | undefined
      readonly path?: string | undefined
      readonly drop?: boolean | undefined
    },
    SettleAnswer
  >
  readonly 'file.symlink': Shape<
    PathParams &
      Waiting & {
        readonly target: string
        readonly replace?: boolean | undefined
        readonly fence?: number | undefined
      },
    WriteAnswer
  >
  readonly 'file.setMetadata': Shape<
    PathParams & Metadata & Expectation & { readonly followLink?: boolean | undefined },
    WriteAnswer
  >
  readonly 'file.watch': SubscriptionShape<
    PathParams & { readonly recursive?: boolean | undefined; readonly resume?: string | undefined },
    { readonly subscription: number; readonly token: string },
    FileEvent
  >
  readonly 'file.conflicts': Shape<
    { readonly limit?: number | undefined },
    { readonly conflicts: readonly FileConflict[] }
  >
}

const text = schema.string()
const flag = schema.optional(schema.boolean())
const dataBytesMax = 8 * 1024 * 1024 // base64 of it fits one line; larger content goes by file.put
const data = schema.bytes({ bytesMax: dataBytesMax })
const attributes = schema.optional(schema.record(schema.bytes({ bytesMax: 4096 })))
const metadata = {
  modifiedMs: schema.optional(timeMs),
  mode: schema.optional(schema.integer({ min: 0, max: 0o7777 })),
  mediaType: schema.optional(schema.string({ charactersMax: 255 })),
  attributes
}
const kind = schema.enumeration(['directory', 'file', 'symlink', 'package', 'node'])

const fileStatus = schema.object({
  path: text,
  name: text,
  id: identifier,
  kind,
  size,
  version: size,
  versionId: identifier,
  writer: identifier,
  isZone: schema.boolean(),
  ...metadata,
  target: schema.optional(text),
  flags: schema.array(text)
})

const writeAnswer = schema.object({
  id: identifier,
  versionId: identifier,
  size,
  exposed: schema.array(identifier),
  promise: writePromise
})
const moveAnswer = schema.object({
  id: identifier,
  crossedZone: schema.boolean(),
  blocks: size,
  promise: writePromise
})
const ifVersion = schema.optional(identifier)
const fence = schema.optional(schema.integer({ min: 1 }))
const readErrors = errors(
  'ERR_PATH_INVALID',
  'ERR_FILE_NOT_FOUND',
  'ERR_FILE_NOT_DIRECTORY',
  'ERR_ACCESS_DENIED'
)
const writeErrors = [
  ...readErrors,
  ...errors(
    'ERR_FILE_EXISTS',
    'ERR_FILE_IS_DIRECTORY',
    'ERR_FILE_CHANGED',
    'ERR_STORE_FULL',
    'ERR_LOCK_FENCED'
  )
]

const readMethods = [
  defineMethod({
    name: 'file.stat',
    summary: 'What is at a path',
    params: schema.object({ path, followLink: flag }),
    result: fileStatus,
    errors: readErrors
  }),
  defineMethod({
    name: 'file.list',
    summary: 'One page of a directory',
    description: 'Pass the cursor of an answer to get the next page; no cursor means the end.',
    params: schema.object({
      path,
      cursor: schema.optional(schema.string({ charactersMax: 2048 })),
      limit: schema.optional(schema.integer({ min: 1, max: 10_000 })),
      order: schema.optional(schema.enumeration(['id', 'name']))
    }),
    result: schema.object({
      entries: schema.array(fileStatus),
      order: schema.enumeration(['id', 'name']),
      total: size,
      cursor: schema.optional(text)
    }),
    errors: readErrors
  }),
  defineMethod({
    name: 'file.read',
    summary: 'Some bytes of a file; fewer at its end',
    params: schema.object({
      path,
      offset: schema.optional(size),
      length: schema.optional(schema.integer({ min: 0, max: dataBytesMax }))
    }),
    result: schema.object({ data: schema.bytes(), size, versionId: identifier }),
    errors: [...readErrors, ...errors('ERR_FILE_IS_DIRECTORY')]
  }),
  defineMethod({
    name: 'file.get',
    summary: 'A file or a range of it as a stream',
    params: schema.object({
      path,
      offset: schema.optional(size),
      length: schema.optional(size),
      version: schema.optional(identifier)
    }),
    result: schema.object({ size, bytes: size, versionId: identifier }),
    stream: 'download',
    errors: [...readErrors, ...errors('ERR_FILE_IS_DIRECTORY')]
  }),
  defineMethod({
    name: 'file.history',
    summary: 'The versions of a file or directory, newest first',
    description: 'With `block` of that block, shown or not; the path then only says in which tree.',
    params: schema.object({
      path,
      block: schema.optional(identifier),
      limit: schema.optional(schema.integer({ min: 1, max: 10_000 }))
    }),
    result: schema.object({
      versions: schema.array(
        schema.object({
          versionId: identifier,
          version: schema.optional(size),
          label: text,
          writer: identifier,
          isDeleted: schema.boolean(),
          name: schema.optional(text),
          size: schema.optional(size),
          modifiedMs: schema.optional(timeMs),
          isCurrent: schema.boolean(),
          isRestorable: schema.boolean()
        })
      )
    }),
    errors: readErrors
  }),
  defineMethod({
    name: 'file.watch',
    summary: 'Tells of changes below a path until it is unsubscribed',
    description: 'Events carry a token; `resume` goes on after it. rpc.unsubscribe ends the watch.',
    params: schema.object({
      path,
      recursive: flag,
      resume: schema.optional(schema.string({ charactersMax: 200 }))
    }),
    result: schema.object({ subscription: size, token: text }),
    event: schema.object({
      type: schema.enumeration([
        'created',
        'changed',
        'moved',
        'deleted',
        'restored',
        'conflicted',
        'lost',
        'overrun'
      ]),
      path: schema.optional(text),
      id: schema.optional(identifier),
      kind: schema.optional(kind),
      versionId: schema.optional(identifier),
      token: text
    }),
    errors: readErrors
  }),
  defineMethod({
    name: 'file.conflicts',
    summary: 'Versions that compete with the shown ones, or wait for something, in all trees kept here',
    params: schema.object({ limit: schema.optional(schema.integer({ min: 1, max: 10_000 })) }),
    result: schema.object({
      conflicts: schema.array(
        schema.object({
          path: schema.optional(text),
          treeId: schema.optional(identifier),
          id: identifier,
          isShown: schema.boolean(),
          heads: schema.array(identifier),
          writers: schema.array(text),
          labels: schema.array(text)
        })
      )
    }),
    errors: readErrors
  })
] as const

const writeMethods = [
  defineMethod({
    name: 'file.mkdir',
    summary: 'Makes a directory',
    params: schema.object({ path, parents: flag, zone: flag, wait }),
    result: writeAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.create',
    summary: 'Makes a file with its whole content, atomically',
    params: schema.object({ path, data, replace: flag, ifVersion, fence, wait, ...metadata }),
    result: writeAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.write',
    summary: 'Writes bytes at an offset; a gap reads as zeros',
    params: schema.object({ path, offset: size, data, ifVersion, fence, wait }),
    result: writeAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.append',
    summary: 'Writes bytes at the end of a file',
    params: schema.object({ path, data, ifVersion, fence, wait }),
    result: writeAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.truncate',
    summary: 'Sets the size of a file; a longer one is filled with zeros',
    params: schema.object({ path, size, ifVersion, fence, wait }),
    result: writeAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.put',
    summary: 'Makes or replaces a file with a stream, atomically',
    params: schema.object({ path, replace: flag, ifVersion, fence, wait, ...metadata }),
    result: writeAnswer,
    stream: 'upload',
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.move',
    summary: 'Renames or moves a file or directory',
    description: 'A `fence` is the token of what is moved.',
    params: schema.object({ source: path, destination: path, replace: flag, dropShares: flag, fence, wait }),
    result: moveAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.copy',
    summary: 'Copies a file, or with recursive a directory; content is shared, not copied',
    description: 'A `fence` is the token of what is at the destination.',
    params: schema.object({ source: path, destination: path, recursive: flag, replace: flag, fence, wait }),
    result: moveAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.remove',
    summary: 'Removes a file or an empty directory, or with recursive everything below',
    params: schema.object({ path, recursive: flag, fence, wait }),
    result: schema.object({ removed: size, promise: writePromise }),
    errors: [...writeErrors, ...errors('ERR_DIRECTORY_NOT_EMPTY')]
  }),
  defineMethod({
    name: 'file.restore',
    summary: 'Makes an earlier version the current one again',
    params: schema.object({ path, version: identifier, ifVersion, fence, wait }),
    result: writeAnswer,
    errors: [...writeErrors, ...errors('ERR_VERSION_NOT_FOUND', 'ERR_VERSION_PRUNED')]
  }),
  defineMethod({
    name: 'file.undelete',
    summary: 'Brings back what was removed at a path last',
    params: schema.object({ path, wait }),
    result: writeAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.resolve',
    summary: 'Ends a conflict: the shown version, or the one to keep, becomes the successor of all heads',
    description:
      'With "drop" versions that wait, are late or in quarantine are settled too: they become history of the version that is kept.',
    params: schema.object({ path, keep: schema.optional(identifier), drop: flag, wait }),
    result: writeAnswer,
    errors: [...writeErrors, ...errors('ERR_CONFLICT_NONE', 'ERR_VERSION_NOT_FOUND')]
  }),
  defineMethod({
    name: 'file.settle',
    summary: 'Ends a conflict in a block of which nothing is shown, as after a removal for good',
    description:
      'Such a block never lives again. `keep` brings one of its versions back as a new file, at `path` or where it was; `drop` gives all of them up. Nothing waits in it afterwards, on all nodes.',
    params: schema.object({
      block: identifier,
      treeId: schema.optional(identifier),
      keep: schema.optional(identifier),
      path: schema.optional(path),
      drop: flag,
      wait
    }),
    result: schema.object({
      path: schema.optional(text),
      id: schema.optional(identifier),
      versionId: schema.optional(identifier),
      settled: size,
      promise: writePromise
    }),
    errors: [
      ...writeErrors,
      ...errors('ERR_CONFLICT_NONE', 'ERR_CONFLICT_UNDECIDED', 'ERR_VERSION_NOT_FOUND', 'ERR_TREE_NOT_HOSTED')
    ]
  }),
  defineMethod({
    name: 'file.symlink',
    summary: 'Makes a symbolic link',
    params: schema.object({
      path,
      target: schema.string({ charactersMin: 1, charactersMax: 4096 }),
      replace: flag,
      fence,
      wait
    }),
    result: writeAnswer,
    errors: writeErrors
  }),
  defineMethod({
    name: 'file.setMetadata',
    summary: 'Sets what is given: time, mode, media type, attributes',
    params: schema.object({ path, ifVersion, fence, wait, followLink: flag, ...metadata }),
    result: writeAnswer,
    errors: writeErrors
  })
] as const

export const fileMethodTable: MethodTable<FileMethods> = createMethodTable([...readMethods, ...writeMethods])
