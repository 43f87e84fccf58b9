/** Small shared pieces of the table: the static side of a method, and schemas that many methods use. */
import { type MethodShapes, type MethodTable, schema } from '@blocktree/rpc'

/** A method without byte streams. */
export interface Shape<P extends object, R> {
  readonly params: P
  readonly result: R
  readonly stream: 'none'
}

/** A method whose request carries bytes. */
export interface UploadShape<P extends object, R> {
  readonly params: P
  readonly result: R
  readonly stream: 'upload'
}

/** A method whose answer carries bytes. */
export interface DownloadShape<P extends object, R> {
  readonly params: P
  readonly result: R
  readonly stream: 'download'
}

/** A method that starts a subscription. */
export interface SubscriptionShape<P extends object, R, E> {
  readonly params: P
  readonly result: R
  readonly stream: 'none'
  readonly event: E
}

export type Empty = Readonly<Record<never, never>>

/** Absolute path in the tree, e.g. `/documents/letter.txt`; its components are checked by the file layer. */
export const path: schema.RequiredSchema<string> = schema.described(
  schema.string({ charactersMin: 1, charactersMax: 65_536 }),
  'absolute path in the tree'
)

/** Absolute path on the host of the node. */
export const localPath: schema.RequiredSchema<string> = schema.described(
  schema.string({ charactersMin: 1, charactersMax: 4096 }),
  'absolute path on the machine of the node'
)

/** Multibase base32 of a SHA-256 multihash. */
export const identifier: schema.RequiredSchema<string> = schema.described(
  schema.string({ charactersMin: 10, charactersMax: 100 }),
  'identifier in multibase base32'
)

/** A name of a local key, the text of a principal id, or `root`/`node`. */
export const principalName: schema.RequiredSchema<string> = schema.described(
  schema.string({ charactersMin: 1, charactersMax: 100 }),
  'name of a local key, name of a known principal, or a principal id'
)

/** Secrets in parameters: bounded, never logged. */
export const secretText: schema.RequiredSchema<string> = schema.described(
  schema.string({ charactersMin: 1, charactersMax: 1024 }),
  'secret; never logged'
)

export const timeMs: schema.RequiredSchema<number> = schema.described(
  schema.integer({ min: 0 }),
  'milliseconds since 1970'
)
export const size: schema.RequiredSchema<number> = schema.integer({ min: 0 })

/** Tables of one program joined; names are unique by their areas. */
export function joinTables<M extends MethodShapes<M>>(
  ...tables: readonly { readonly methods: MethodTable<M>['methods'] }[]
): MethodTable<M> {
  return { methods: new Map(tables.flatMap((table) => [...table.methods])) }
}
