/** tree.*, link.*, and what was set aside after a revocation: trees of other owners, and reading with a link. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import type { FileStatus } from './file-methods.ts'
import { type DownloadShape, type Empty, identifier, path, type Shape, size, timeMs } from './shape.ts'

export interface TreeSummary {
  readonly treeId: string
  /** False for a tree of another owner, reached by paths that begin with its id. */
  readonly isOwn: boolean
  /** False while nothing but an access line or link was taken: import a bundle. */
  readonly isReadable: boolean
  readonly records: number
  /** Files, directories and links that are shown. */
  readonly blocks: number
  readonly bytes: number
}

export interface LinkSummary {
  readonly treeId: string
  readonly grant: string
  readonly target: 'zone' | 'block'
  /** Where it is in the tree as kept here; absent while that cannot be told. */
  readonly path?: string | undefined
  readonly notAfterMs?: number | undefined
  /** Key epochs that it opens by itself. */
  readonly keys: number
}

export interface QuarantinedBlock {
  readonly id: string
  readonly path?: string | undefined
  /** False when nothing of it counts any more. */
  readonly isShown: boolean
  readonly versions: readonly { readonly versionId: string; readonly writer: string }[]
}

export interface TreeMethods {
  readonly 'tree.list': Shape<Empty, { readonly trees: readonly TreeSummary[] }>
  readonly 'tree.forget': Shape<{ readonly treeId: string; readonly confirm?: boolean | undefined }, Empty>
  readonly 'link.show': Shape<{ readonly link: string }, LinkSummary>
  readonly 'link.list': Shape<
    {
      readonly link: string
      readonly path?: string | undefined
      readonly cursor?: string | undefined
      readonly limit?: number | undefined
    },
    { readonly entries: readonly LinkEntry[]; readonly cursor?: string | undefined }
  >
  readonly 'link.read': DownloadShape<
    {
      readonly link: string
      readonly path?: string | undefined
      readonly offset?: number | undefined
      readonly length?: number | undefined
    },
    { readonly size: number; readonly bytes: number; readonly versionId: string }
  >
  readonly 'access.quarantine': Shape<
    { readonly path?: string | undefined; readonly limit?: number | undefined },
    { readonly blocks: readonly QuarantinedBlock[] }
  >
  readonly 'access.takeOver': Shape<
    { readonly block: string; readonly version: string; readonly treeId?: string | undefined },
    { readonly versionId: string }
  >
}

export type LinkEntry = Pick<FileStatus, 'path' | 'name' | 'kind' | 'size'>

const text = schema.string()
const link = schema.described(
  schema.string({ charactersMin: 1, charactersMax: 1024 }),
  'secret; never logged'
)
const linkErrors = errors(
  'ERR_ACCESS_LINE',
  'ERR_GRANT_UNKNOWN',
  'ERR_TREE_NOT_HOSTED',
  'ERR_FILE_NOT_FOUND',
  'ERR_ACCESS_DENIED'
)

const definitions = [
  defineMethod({
    name: 'tree.list',
    summary: 'The trees kept here: the own one, and those of other owners that were accepted',
    result: schema.object({
      trees: schema.array(
        schema.object({
          treeId: identifier,
          isOwn: schema.boolean(),
          isReadable: schema.boolean(),
          records: size,
          blocks: size,
          bytes: size
        })
      )
    })
  }),
  defineMethod({
    name: 'tree.forget',
    summary: 'Removes a tree of another owner from this node, with everything in it',
    description: 'What was written here and not sent back is lost.',
    params: schema.object({ treeId: identifier, confirm: schema.optional(schema.boolean()) }),
    errors: errors('ERR_TREE_NOT_HOSTED', 'ERR_CONFIRMATION_ABSENT')
  }),
  defineMethod({
    name: 'link.show',
    summary: 'What a link opens',
    params: schema.object({ link }),
    result: schema.object({
      treeId: identifier,
      grant: identifier,
      target: schema.enumeration(['zone', 'block']),
      path: schema.optional(text),
      notAfterMs: schema.optional(timeMs),
      keys: size
    }),
    errors: linkErrors
  }),
  defineMethod({
    name: 'link.list',
    summary: 'Lists a directory with the keys of a link; what the link opens when no path is given',
    params: schema.object({
      link,
      path: schema.optional(path),
      cursor: schema.optional(text),
      limit: schema.optional(schema.integer({ min: 1, max: 1000 }))
    }),
    result: schema.object({
      entries: schema.array(
        schema.object({
          path: text,
          name: text,
          kind: schema.enumeration(['file', 'directory', 'symlink']),
          size
        })
      ),
      cursor: schema.optional(text)
    }),
    errors: linkErrors
  }),
  defineMethod({
    name: 'link.read',
    summary: 'Streams a file with the keys of a link; what the link opens when no path is given',
    params: schema.object({
      link,
      path: schema.optional(path),
      offset: schema.optional(size),
      length: schema.optional(size)
    }),
    result: schema.object({ size, bytes: size, versionId: identifier }),
    errors: linkErrors,
    stream: 'download'
  }),
  defineMethod({
    name: 'access.quarantine',
    summary: 'Versions that no longer count because the cap of their writer was revoked',
    params: schema.object({
      path: schema.optional(path),
      limit: schema.optional(schema.integer({ min: 1, max: 10_000 }))
    }),
    result: schema.object({
      blocks: schema.array(
        schema.object({
          id: identifier,
          path: schema.optional(text),
          isShown: schema.boolean(),
          versions: schema.array(schema.object({ versionId: identifier, writer: text }))
        })
      )
    })
  }),
  defineMethod({
    name: 'access.takeOver',
    summary: 'Makes a version that was set aside the newest one, under the own name',
    params: schema.object({ block: identifier, version: identifier, treeId: schema.optional(identifier) }),
    result: schema.object({ versionId: identifier }),
    errors: errors('ERR_VERSION_NOT_FOUND', 'ERR_CONFLICT_NONE', 'ERR_ACCESS_DENIED', 'ERR_TREE_NOT_HOSTED')
  })
] as const

export const treeMethodTable: MethodTable<TreeMethods> = createMethodTable(definitions)
