/** sync.*: replication with other nodes, and who keeps what. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import { type Empty, identifier, path, type Shape, size, timeMs } from './shape.ts'
import { copiesMax, timeout } from './write-promise.ts'

export interface SyncPeerStatus {
  /** The name of the principal here, or its id. */
  readonly principal: string
  /** `comparing`, `in step`, `out of step`, `forbidden` (it gives us nothing), `shut out` (it sent what no honest peer can). */
  readonly state: string
  readonly comparedMsAgo?: number | undefined
  /** Records taken from it since it connected. */
  readonly records: number
  /** It lacks what it gave us before: restored from a backup or snapshot. */
  readonly wentBack: boolean
  /** What it was blamed for last: `ERR_SYNC_WRONG_RECORD` and the like (spec 28, section 10); absent when it was not. */
  readonly code?: string | undefined
  /** Until it is spoken to again; absent when it is not shut out. */
  readonly shutOutMs?: number | undefined
}

/** Contents of files by what became of them when this node last looked at all of them. */
export interface SyncContents {
  /** Held here for others too. */
  readonly kept: number
  /** Should be kept here and has not come yet. */
  readonly missing: number
  /** Held here, and may go when room is needed. */
  readonly cached: number
  /** Held here until enough others keep it. */
  readonly surplus: number
  /** Kept here, with fewer good promises of others than the policy asks for. */
  readonly underReplicated: number
  /** Not here, and not meant to be. */
  readonly elsewhere: number
}

export interface SyncTreeStatus {
  readonly treeId: string
  readonly peers: readonly SyncPeerStatus[]
  /** Absent where every node keeps everything, and before the first look. */
  readonly contents?: SyncContents | undefined
  /** Bytes of contents that this node need not keep. */
  readonly cachedBytes: number
  /** The setting `sync.cache`. */
  readonly cacheBytes: number
  /** Contents that are still to be fetched. */
  readonly contentsWanted: number
  readonly bytesReceived: number
  readonly recordsPushed: number
  /** This node went back to an older state: nothing is written in this tree until it has caught up. */
  readonly holdsWrites: boolean
  /** Since the start: places of summaries that were not what the records say. Faults of the node, put right; doctor names them. */
  readonly summariesCorrected: number
}

export interface SyncReceipt {
  /** The name of the holder here, or its id. */
  readonly holder: string
  readonly isThisNode: boolean
  /** `header`, or `payload`: the content too. */
  readonly coverage: string
  readonly durability: string
  /** When the holder signed, by its clock. */
  readonly signedMs?: number | undefined
  /** When it last proved to have the content; absent when it was not asked yet. */
  readonly checkedMs?: number | undefined
  /** `good`, or `failed`: it could not prove it. */
  readonly state: string
}

/** Which nodes keep what is at a path. */
export interface SyncPolicy {
  /** `all`, `copies` or `on-demand`. */
  readonly policy: string
  /** With `copies`. */
  readonly copies?: number | undefined
  /** The directory that says so; absent when none does. */
  readonly from?: string | undefined
}

export interface SyncPromise {
  /** Nodes that keep it, this one counted where it may promise. */
  readonly kept: number
  /** Nodes that may promise to. */
  readonly of: number
  /** `local`, or `n of m`. */
  readonly promise: string
}

export interface ScrubAnswer {
  readonly challenged: number
  readonly failed: number
  readonly contents: number
  readonly damaged: number
  readonly repaired: number
}

interface VersionParams {
  readonly path: string
  /** The shown one when absent. */
  readonly version?: string | undefined
}

export interface SyncMethods {
  readonly 'sync.status': Shape<Empty, { readonly trees: readonly SyncTreeStatus[] }>
  readonly 'sync.compare': Shape<Empty, Empty>
  readonly 'sync.resume': Shape<{ readonly confirm: boolean }, { readonly resumed: number }>
  readonly 'sync.receipts': Shape<
    VersionParams,
    {
      readonly versionId: string
      readonly receipts: readonly SyncReceipt[]
      readonly of: number
      /** Where the content is at this node: `kept`, `cached` or `absent`. */
      readonly here: string
    }
  >
  readonly 'sync.policy': Shape<{ readonly path: string }, SyncPolicy>
  readonly 'sync.setPolicy': Shape<
    {
      readonly path: string
      /** `all`, `copies`, `on-demand`; `inherit`: as the directory above. */
      readonly policy: 'all' | 'copies' | 'on-demand' | 'inherit'
      readonly copies?: number | undefined
    },
    SyncPolicy
  >
  readonly 'sync.wait': Shape<
    VersionParams & { readonly copies: number; readonly timeoutMs?: number | undefined },
    SyncPromise
  >
  readonly 'sync.fetch': Shape<
    VersionParams & { readonly timeoutMs?: number | undefined },
    { readonly isHeld: boolean }
  >
  readonly 'sync.scrub': Shape<Empty, ScrubAnswer>
}

const version = schema.optional(identifier)
const pathErrors = errors(
  'ERR_PATH_INVALID',
  'ERR_FILE_NOT_FOUND',
  'ERR_ACCESS_DENIED',
  'ERR_VERSION_NOT_FOUND'
)

const policyShape = schema.object({
  policy: schema.string(),
  copies: schema.optional(size),
  from: schema.optional(path)
})

const definitions = [
  defineMethod({
    name: 'sync.status',
    summary: 'The peers of each replicated tree and how far this node is in step with them',
    result: schema.object({
      trees: schema.array(
        schema.object({
          treeId: identifier,
          peers: schema.array(
            schema.object({
              principal: schema.string(),
              state: schema.string(),
              comparedMsAgo: schema.optional(size),
              records: size,
              wentBack: schema.boolean(),
              code: schema.optional(schema.string()),
              shutOutMs: schema.optional(size)
            })
          ),
          contents: schema.optional(
            schema.object({
              kept: size,
              missing: size,
              cached: size,
              surplus: size,
              underReplicated: size,
              elsewhere: size
            })
          ),
          cachedBytes: size,
          cacheBytes: size,
          contentsWanted: size,
          bytesReceived: size,
          recordsPushed: size,
          holdsWrites: schema.boolean(),
          summariesCorrected: size
        })
      )
    })
  }),
  defineMethod({
    name: 'sync.compare',
    summary: 'Compare with all peers now'
  }),
  defineMethod({
    name: 'sync.resume',
    summary: 'Write again on a node that went back to an older state, though it has not caught up',
    description:
      'Versions that this node gave away before and lost may stand beside what it writes now, as conflicts. Better let it catch up.',
    params: schema.object({ confirm: schema.boolean() }),
    result: schema.object({ resumed: size }),
    errors: errors('ERR_CONFIRMATION_ABSENT')
  }),
  defineMethod({
    name: 'sync.receipts',
    summary: 'Who promised to keep a version, and when that was last proven',
    params: schema.object({ path, version }),
    result: schema.object({
      versionId: identifier,
      receipts: schema.array(
        schema.object({
          holder: schema.string(),
          isThisNode: schema.boolean(),
          coverage: schema.string(),
          durability: schema.string(),
          signedMs: schema.optional(timeMs),
          checkedMs: schema.optional(timeMs),
          state: schema.string()
        })
      ),
      of: size,
      here: schema.string()
    }),
    errors: pathErrors
  }),
  defineMethod({
    name: 'sync.policy',
    summary: 'Which nodes keep the content at a path, and which directory says so',
    params: schema.object({ path }),
    result: policyShape,
    errors: pathErrors
  }),
  defineMethod({
    name: 'sync.setPolicy',
    summary:
      'Say which nodes keep what is in a directory: all of them, so many, or whoever writes and reads it',
    params: schema.object({
      path,
      policy: schema.enumeration(['all', 'copies', 'on-demand', 'inherit']),
      copies: schema.optional(schema.integer({ min: 1, max: 255 }))
    }),
    result: policyShape,
    errors: errors(
      'ERR_PATH_INVALID',
      'ERR_FILE_NOT_FOUND',
      'ERR_FILE_NOT_DIRECTORY',
      'ERR_ACCESS_DENIED',
      'ERR_POLICY_COPIES'
    )
  }),
  defineMethod({
    name: 'sync.wait',
    summary:
      'Wait until so many nodes promised to keep a version, or the time is over; the answer says how many did',
    params: schema.object({
      path,
      version,
      copies: schema.integer({ min: 1, max: copiesMax }),
      timeoutMs: timeout
    }),
    result: schema.object({ kept: size, of: size, promise: schema.string() }),
    errors: pathErrors
  }),
  defineMethod({
    name: 'sync.fetch',
    summary: 'Fetch the content of a version from the peers that have it',
    params: schema.object({ path, version, timeoutMs: timeout }),
    result: schema.object({ isHeld: schema.boolean() }),
    errors: pathErrors
  }),
  defineMethod({
    name: 'sync.scrub',
    summary: 'Challenge those who promised, read what is held here, repair what is damaged',
    result: schema.object({ challenged: size, failed: size, contents: size, damaged: size, repaired: size })
  })
] as const

export const syncMethodTable: MethodTable<SyncMethods> = createMethodTable(definitions)
