/** What a write answers about its copies, and how more of them are waited for; of all methods that write. */
import { schema } from '@blocktree/rpc'
import { size } from './shape.ts'

/** What is known of the copies of a write when it is answered (spec 28, section 9). */
export interface WritePromise {
  /** Nodes that promised to keep it, this one counted where it may promise. */
  readonly kept: number
  /** Nodes that may promise to; 1 for a node that is alone. */
  readonly of: number
  /** Copies that the policy of the directory asks for. */
  readonly wanted: number
  /** No majority of the nodes that should have it can be reached: it is kept here, and sent when they are back. */
  readonly isPending: boolean
  /** Whether as many promised as were waited for, within the time; absent when nobody waited. The write stays in any case. */
  readonly isReached?: boolean | undefined
}

/** Waits with the answer until so many nodes promised to keep all that was written. */
export interface Wait {
  /** This node counted; `all`: as many as the policy of the directory asks for. */
  readonly copies: number | 'all'
  /** Default half a minute. */
  readonly timeoutMs?: number | undefined
}

export interface Waiting {
  readonly wait?: Wait | undefined
}

export const copiesMax = 1000
export const timeout: schema.OptionalSchema<number> = schema.optional(
  schema.integer({ min: 1, max: 3_600_000 })
)

export const writePromise: schema.RequiredSchema<WritePromise> = schema.object({
  kept: size,
  of: size,
  wanted: size,
  isPending: schema.boolean(),
  isReached: schema.optional(schema.boolean())
})

export const wait: schema.OptionalSchema<Wait> = schema.optional(
  schema.object({
    copies: schema.union([schema.integer({ min: 1, max: copiesMax }), schema.literal('all')]),
    timeoutMs: timeout
  })
)
