/** content.*: what is published by URN, and fetched. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import { type DownloadShape, type Empty, path, type Shape, size, timeMs } from './shape.ts'
import { type Waiting, type WritePromise, wait, writePromise } from './write-promise.ts'

export interface PublishedContent {
  readonly urn: string
  readonly path: string
  /** `tree`: a directory. */
  readonly kind: 'content' | 'tree'
  readonly contentBytes: number
  readonly publishedMs: number
}

export interface ContentMethods {
  readonly 'content.publish': Shape<
    {
      readonly path: string
      readonly blockSize?: '1k' | '32k' | undefined
      readonly unique?: boolean | undefined
    },
    PublishedContent
  >
  readonly 'content.unpublish': Shape<{ readonly urn: string }, { readonly blocks: number }>
  readonly 'content.published': Shape<
    Empty,
    { readonly published: readonly PublishedContent[]; readonly listening: readonly string[] }
  >
  readonly 'content.fetch': Shape<
    { readonly urn: string; readonly path: string } & Waiting,
    {
      readonly kind: 'content' | 'tree'
      readonly files: number
      readonly contentBytes: number
      readonly promise: WritePromise
    }
  >
  readonly 'content.read': DownloadShape<
    {
      readonly urn: string
      readonly url?: string | undefined
      readonly isPrivateAllowed?: boolean | undefined
      readonly sha256?: string | undefined
    },
    { readonly source: 'blocks' | 'url'; readonly reason?: string | undefined; readonly bytes: number }
  >
}

const urn = schema.described(
  schema.string({ charactersMin: 1, charactersMax: 200 }),
  'urn:eris: and 106 characters; whoever has it can read the content'
)
const published = {
  urn,
  path,
  kind: schema.enumeration(['content', 'tree']),
  contentBytes: size,
  publishedMs: timeMs
}

const fetchErrors = errors(
  'ERR_ERIS_URN',
  'ERR_ERIS_BLOCK_MISSING',
  'ERR_ERIS_BLOCK_CORRUPT',
  'ERR_ERIS_STORE_UNAVAILABLE'
)

const definitions = [
  defineMethod({
    name: 'content.publish',
    summary: 'Encodes a file or directory into blocks that this node keeps, and gives the URN',
    description: 'Equal content gets the same URN, unless "unique" is asked for.',
    params: schema.object({
      path,
      blockSize: schema.optional(schema.enumeration(['1k', '32k'])),
      unique: schema.optional(schema.boolean())
    }),
    result: schema.object(published),
    errors: errors('ERR_FILE_NOT_FOUND', 'ERR_ACCESS_DENIED', 'ERR_STORE_FULL')
  }),
  defineMethod({
    name: 'content.unpublish',
    summary: 'Forgets a publication and its blocks; copies that others have stay',
    params: schema.object({ urn }),
    result: schema.object({ blocks: size }),
    errors: errors('ERR_CONTENT_UNKNOWN')
  }),
  defineMethod({
    name: 'content.published',
    summary: 'What is published, and where blocks are answered',
    result: schema.object({
      published: schema.array(schema.object(published)),
      listening: schema.array(schema.string())
    })
  }),
  defineMethod({
    name: 'content.fetch',
    summary: 'Writes the content of a URN to a path where nothing is',
    params: schema.object({ urn, path, wait }),
    result: schema.object({
      kind: schema.enumeration(['content', 'tree']),
      files: size,
      contentBytes: size,
      promise: writePromise
    }),
    errors: [...fetchErrors, ...errors('ERR_FILE_EXISTS', 'ERR_ERIS_TREE_LINK', 'ERR_STORE_FULL')]
  }),
  defineMethod({
    name: 'content.read',
    summary: 'The content of a URN, up to the size of a package; from a URL when its blocks do not do',
    description:
      'Blocks that are missing, damaged or slow are given up for the URL. What it gives must have the SHA-256, or encode to the URN. A host that is this machine or lies in its network is asked only when `isPrivateAllowed` says so: a URL may come from a stranger.',
    params: schema.object({
      urn,
      url: schema.optional(schema.string({ charactersMax: 2048 })),
      isPrivateAllowed: schema.optional(schema.boolean()),
      sha256: schema.optional(schema.string({ charactersMin: 64, charactersMax: 64 }))
    }),
    result: schema.object({
      source: schema.enumeration(['blocks', 'url']),
      reason: schema.optional(schema.string()),
      bytes: size
    }),
    stream: 'download',
    errors: [
      ...fetchErrors,
      ...errors('ERR_CONTENT_OTHER', 'ERR_CONTENT_SIZE', 'ERR_CONTENT_SLOW', 'ERR_CONTENT_URL')
    ]
  })
] as const

export const contentMethodTable: MethodTable<ContentMethods> = createMethodTable(definitions)
