/** lock.*: exclusive locks on files, as leases with fencing tokens, and numbers that rise over all nodes. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import { identifier, path, type Shape, size } from './shape.ts'

export interface LockSummary {
  /** Absent when this principal cannot name it. */
  readonly path?: string | undefined
  readonly id: string
  /** Name of the node that holds it. */
  readonly node: string
  readonly isThisNode: boolean
  /** Name of the principal that took it; known on the node where it was taken. */
  readonly principal?: string | undefined
  readonly token: number
  readonly ttlMs: number
  /** Callers in the queue. */
  readonly waiting: number
}

export interface LockAnswer {
  readonly id: string
  /** Higher than that of every lock of this file before: what `fence` of a write takes. */
  readonly token: number
  readonly expiresInMs: number
}

interface PathParams {
  readonly path: string
}

export interface LockMethods {
  readonly 'lock.acquire': Shape<
    PathParams & { readonly ttlMs?: number | undefined; readonly waitMs?: number | undefined },
    LockAnswer
  >
  readonly 'lock.renew': Shape<PathParams & { readonly token: number }, LockAnswer>
  readonly 'lock.release': Shape<PathParams & { readonly token: number }, { readonly isReleased: boolean }>
  readonly 'lock.list': Shape<
    { readonly path?: string | undefined },
    { readonly locks: readonly LockSummary[] }
  >
  readonly 'lock.break': Shape<
    PathParams & { readonly token?: number | undefined },
    { readonly isBroken: boolean }
  >
  readonly 'lock.reset': Shape<
    { readonly confirm?: boolean | undefined },
    { readonly term: number; readonly voters: readonly string[] }
  >
  readonly 'lock.sequence': Shape<
    PathParams & { readonly count?: number | undefined },
    { readonly id: string; readonly first: number; readonly count: number }
  >
}

const ttl = schema.integer({ min: 1000, max: 3_600_000 })
const token = schema.integer({ min: 1 })
const answer = schema.object({ id: identifier, token: size, expiresInMs: size })
const lockErrors = errors(
  'ERR_PATH_INVALID',
  'ERR_FILE_NOT_FOUND',
  'ERR_ACCESS_DENIED',
  'ERR_LOCK_HOSTED',
  'ERR_COORDINATOR_NO_MAJORITY'
)

const definitions = [
  defineMethod({
    name: 'lock.acquire',
    summary: 'Takes the exclusive lock of a file for a time, or waits for it in a queue',
    description:
      'It ends by itself after ttlMs (60,000 when not given) unless it is renewed. Writes that name the token as `fence` are refused once the lock was given to somebody else; writes without one go on.',
    params: schema.object({
      path,
      ttlMs: schema.optional(ttl),
      waitMs: schema.optional(schema.integer({ min: 0, max: 3_600_000 }))
    }),
    result: answer,
    errors: [...lockErrors, ...errors('ERR_COORDINATOR_HELD', 'ERR_COORDINATOR_FULL', 'ERR_COORDINATOR_NAME')]
  }),
  defineMethod({
    name: 'lock.renew',
    summary: 'Lets the time of a lock begin again',
    params: schema.object({ path, token }),
    result: answer,
    errors: [...lockErrors, ...errors('ERR_LOCK_ENDED', 'ERR_COORDINATOR_LEASE_ENDED')]
  }),
  defineMethod({
    name: 'lock.release',
    summary: 'Gives a lock back; false when it was over',
    params: schema.object({ path, token }),
    result: schema.object({ isReleased: schema.boolean() }),
    errors: lockErrors
  }),
  defineMethod({
    name: 'lock.list',
    summary: 'Who holds the lock of a file; without a path, the locks that were taken on this node',
    params: schema.object({ path: schema.optional(path) }),
    result: schema.object({
      locks: schema.array(
        schema.object({
          path: schema.optional(schema.string()),
          id: identifier,
          node: schema.string(),
          isThisNode: schema.boolean(),
          principal: schema.optional(schema.string()),
          token: size,
          ttlMs: size,
          waiting: size
        })
      )
    }),
    errors: lockErrors
  }),
  defineMethod({
    name: 'lock.break',
    summary: 'Takes a lock away from whoever holds it; takes the right `admin` over the file',
    params: schema.object({ path, token: schema.optional(token) }),
    result: schema.object({ isBroken: schema.boolean() }),
    errors: [...lockErrors, ...errors('ERR_COORDINATOR_NAME')]
  }),
  defineMethod({
    name: 'lock.reset',
    summary: 'Begins the coordinator anew on this node: when a majority of its voters is lost for good',
    description:
      'All locks end. Tokens and numbers go on above all that were given. Nodes that are left, and lost ones that come back, join this one by themselves. On one node alone; takes the right `admin` over the tree.',
    params: schema.object({ confirm: schema.optional(schema.boolean()) }),
    result: schema.object({ term: size, voters: schema.array(schema.string()) }),
    errors: errors('ERR_CONFIRMATION_ABSENT', 'ERR_ACCESS_DENIED', 'ERR_LOCK_RESET')
  }),
  defineMethod({
    name: 'lock.sequence',
    summary: 'Gives the next numbers of a file: they rise, and no node of the tree gets one twice',
    description:
      'From 1 on. A number whose answer is lost is given to nobody else. Takes the right `write` over the file.',
    params: schema.object({ path, count: schema.optional(schema.integer({ min: 1, max: 1_000_000 })) }),
    result: schema.object({ id: identifier, first: size, count: size }),
    errors: [...lockErrors, ...errors('ERR_COORDINATOR_FULL', 'ERR_COORDINATOR_NAME')]
  })
] as const

export const lockMethodTable: MethodTable<LockMethods> = createMethodTable(definitions)
