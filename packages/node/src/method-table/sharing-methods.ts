/** share.*, grant.*, cap.*, access.*, bundle.*: who else may read and write. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import { identifier, localPath, path, principalName, type Shape, size, timeMs } from './shape.ts'

export interface GrantSummary {
  readonly id: string
  readonly path: string
  readonly target: 'zone' | 'block'
  /** A name where one is known, else an id; `link` for link grants. */
  readonly recipient: string
  readonly recipientId: string
  readonly notAfterMs?: number | undefined
  readonly state: 'live' | 'revoked' | 'expired' | 'void'
}

export interface CapSummary {
  readonly id: string
  readonly path: string
  readonly scope: 'zone' | 'block'
  readonly subject: string
  readonly subjectId: string
  readonly rights: readonly string[]
  readonly notBeforeMs?: number | undefined
  readonly notAfterMs?: number | undefined
  /** Further delegations that are allowed. */
  readonly depth: number
  readonly state: 'live' | 'revoked' | 'expired'
}

/** Which zones got new keys, and what the former reader could read. */
export interface ExposureReport {
  readonly zonesRekeyed: number
  /** Zones and blocks that somebody else has to change. */
  readonly zonesSkipped: number
  readonly skipped: readonly { readonly target: string; readonly reason: string }[]
  /** Live grants that got no new key from here; their issuer has to deliver it. */
  readonly undelivered: readonly string[]
  readonly exposed: readonly {
    readonly path: string
    readonly principal: string
    /** What was written up to here stays known to it. */
    readonly untilMs?: number | undefined
  }[]
}

export interface Explanation {
  readonly allowed: boolean
  readonly principal: string
  readonly path: string
  readonly right: string
  /** From the tree record down to what decides. */
  readonly steps: readonly ExplanationStep[]
  /**
   * Of a shared folder alone, which is answered for what is in it: the folder's own entry belongs to the zone around it.
   * For `read` whether its name can be read, else whether it can be renamed, moved and removed.
   */
  readonly entry?: { readonly allowed: boolean; readonly steps: readonly ExplanationStep[] } | undefined
}

interface ExplanationStep {
  readonly text: string
  readonly recordId?: string | undefined
  readonly ok: boolean
}

export interface AccessRequest {
  readonly id: string
  readonly principal: string
  readonly name: string
  readonly path: string
  readonly rights: readonly string[]
  readonly note: string
  readonly receivedMs: number
}

export interface SharingMethods {
  readonly 'share.create': Shape<{ readonly path: string }, { readonly id: string; readonly blocks: number }>
  readonly 'share.remove': Shape<
    {
      readonly path: string
      /** End its grants and caps instead of refusing. */
      readonly dropShares?: boolean | undefined
    },
    { readonly id: string; readonly blocks: number }
  >
  readonly 'grant.issue': Shape<
    {
      readonly path: string
      /** A principal; absent for a link. */
      readonly to?: string | undefined
      readonly link?: boolean | undefined
      readonly notAfterMs?: number | undefined
    },
    GrantSummary & {
      /** Shown once: whoever has it can read. */
      readonly link?: string | undefined
    }
  >
  readonly 'grant.list': Shape<
    { readonly path?: string | undefined; readonly all?: boolean | undefined },
    { readonly grants: readonly GrantSummary[] }
  >
  readonly 'grant.revoke': Shape<
    { readonly grant: string; readonly eager?: boolean | undefined },
    ExposureReport
  >
  readonly 'cap.issue': Shape<
    {
      readonly path: string
      readonly to: string
      readonly rights: readonly string[]
      readonly depth?: number | undefined
      readonly notBeforeMs?: number | undefined
      readonly notAfterMs?: number | undefined
    },
    CapSummary
  >
  readonly 'cap.list': Shape<
    { readonly path?: string | undefined; readonly all?: boolean | undefined },
    { readonly caps: readonly CapSummary[] }
  >
  readonly 'cap.revoke': Shape<
    {
      readonly cap: string
      readonly reason?: number | undefined
      /** After a theft: what was written after this time counts no longer. */
      readonly sinceMs?: number | undefined
    },
    { readonly quarantined: number; readonly cuts: number; readonly restored: number; readonly lost: number }
  >
  readonly 'access.why': Shape<
    { readonly principal: string; readonly path: string; readonly right: string },
    Explanation
  >
  readonly 'access.request': Shape<
    {
      readonly path: string
      readonly rights?: readonly string[] | undefined
      readonly note?: string | undefined
    },
    { readonly line: string }
  >
  readonly 'access.requests': Shape<Record<never, never>, { readonly requests: readonly AccessRequest[] }>
  readonly 'access.receive': Shape<{ readonly line: string }, AccessRequest>
  readonly 'access.approve': Shape<
    {
      /** A request line, or the id of a received one. */
      readonly request: string
      readonly path?: string | undefined
      /** What the principal is called here. */
      readonly name?: string | undefined
      readonly rights?: readonly string[] | undefined
    },
    { readonly line: string; readonly grants: readonly string[]; readonly caps: readonly string[] }
  >
  readonly 'access.accept': Shape<
    { readonly line: string },
    {
      readonly treeId: string
      readonly path: string
      readonly rights: readonly string[]
      readonly records: number
    }
  >
  readonly 'bundle.export': Shape<
    {
      readonly file: string
      readonly paths?: readonly string[] | undefined
      readonly to?: string | undefined
    },
    { readonly records: number; readonly sectors: number; readonly bytes: number }
  >
  readonly 'bundle.import': Shape<
    { readonly file: string },
    {
      /** The tree that the bundle is of. */
      readonly treeId: string
      readonly accepted: number
      readonly known: number
      readonly parked: number
      readonly quarantined: number
      readonly refused: number
      readonly sectors: number
      /** The first reasons for refusals, each with its code. */
      readonly reasons: readonly string[]
    }
  >
}

const text = schema.string()
const flag = schema.optional(schema.boolean())
const optionalTime = schema.optional(timeMs)
const rights = schema.array(schema.string({ charactersMax: 20 }), { itemsMax: 9 })
const line = schema.string({ charactersMin: 1, charactersMax: 4 * 1024 * 1024 })

const grantSummary = {
  id: identifier,
  path: text,
  target: schema.enumeration(['zone', 'block']),
  recipient: text,
  recipientId: text,
  notAfterMs: optionalTime,
  state: schema.enumeration(['live', 'revoked', 'expired', 'void'])
}
const capSummary = schema.object({
  id: identifier,
  path: text,
  scope: schema.enumeration(['zone', 'block']),
  subject: text,
  subjectId: identifier,
  rights,
  notBeforeMs: optionalTime,
  notAfterMs: optionalTime,
  depth: size,
  state: schema.enumeration(['live', 'revoked', 'expired'])
})
const request = schema.object({
  id: text,
  principal: identifier,
  name: text,
  path: text,
  rights,
  note: text,
  receivedMs: timeMs
})
const pathErrors = errors(
  'ERR_PATH_INVALID',
  'ERR_FILE_NOT_FOUND',
  'ERR_ACCESS_DENIED',
  'ERR_PRINCIPAL_UNKNOWN'
)

const grantDefinitions = [
  defineMethod({
    name: 'share.create',
    summary: 'Makes a plain directory a zone of its own, so that it can be shared by itself',
    params: schema.object({ path }),
    result: schema.object({ id: identifier, blocks: size }),
    errors: pathErrors
  }),
  defineMethod({
    name: 'share.remove',
    summary: 'Makes a zone a plain directory again, with the readers of the directory around it',
    params: schema.object({ path, dropShares: flag }),
    result: schema.object({ id: identifier, blocks: size }),
    errors: pathErrors
  }),
  defineMethod({
    name: 'grant.issue',
    summary: 'Lets a principal, or whoever holds a link, read',
    params: schema.object({ path, to: schema.optional(principalName), link: flag, notAfterMs: optionalTime }),
    result: schema.object({ ...grantSummary, link: schema.optional(text) }),
    errors: pathErrors
  }),
  defineMethod({
    name: 'grant.list',
    summary: 'Who may read; with all also revoked and expired grants',
    params: schema.object({ path: schema.optional(path), all: flag }),
    result: schema.object({ grants: schema.array(schema.object(grantSummary)) }),
    errors: pathErrors
  }),
  defineMethod({
    name: 'grant.revoke',
    summary: 'Takes a grant back and changes the keys; says what stays known',
    params: schema.object({ grant: identifier, eager: flag }),
    result: schema.object({
      zonesRekeyed: size,
      zonesSkipped: size,
      skipped: schema.array(schema.object({ target: identifier, reason: text })),
      undelivered: schema.array(identifier),
      exposed: schema.array(schema.object({ path: text, principal: text, untilMs: optionalTime }))
    }),
    errors: errors('ERR_ACCESS_DENIED', 'ERR_FILE_NOT_FOUND')
  }),
  defineMethod({
    name: 'cap.issue',
    summary: 'Lets a principal write, as the named rights say',
    params: schema.object({
      path,
      to: principalName,
      rights,
      depth: schema.optional(schema.integer({ min: 0, max: 7 })),
      notBeforeMs: optionalTime,
      notAfterMs: optionalTime
    }),
    result: capSummary,
    errors: [...pathErrors, ...errors('ERR_RIGHT_UNKNOWN')]
  }),
  defineMethod({
    name: 'cap.list',
    summary: 'Who may write; with all also revoked and expired ones',
    params: schema.object({ path: schema.optional(path), all: flag }),
    result: schema.object({ caps: schema.array(capSummary) }),
    errors: pathErrors
  }),
  defineMethod({
    name: 'cap.revoke',
    summary: 'Takes a write cap back; what it wrote up to now stays',
    params: schema.object({
      cap: identifier,
      reason: schema.optional(schema.integer({ min: 0, max: 255 })),
      sinceMs: optionalTime
    }),
    result: schema.object({ quarantined: size, cuts: size, restored: size, lost: size }),
    errors: errors('ERR_ACCESS_DENIED', 'ERR_ROOT_LOCKED')
  })
] as const

const explanationSteps = schema.array(
  schema.object({ text, recordId: schema.optional(identifier), ok: schema.boolean() })
)

const accessDefinitions = [
  defineMethod({
    name: 'access.why',
    summary: 'Why a principal may do something, or the first link that is missing',
    params: schema.object({ principal: principalName, path, right: schema.string({ charactersMax: 20 }) }),
    result: schema.object({
      allowed: schema.boolean(),
      principal: text,
      path: text,
      right: text,
      steps: explanationSteps,
      entry: schema.optional(schema.object({ allowed: schema.boolean(), steps: explanationSteps }))
    }),
    errors: [...pathErrors, ...errors('ERR_RIGHT_UNKNOWN')]
  }),
  defineMethod({
    name: 'access.request',
    summary: 'A line that asks another owner for access; send it by any means',
    params: schema.object({
      path,
      rights: schema.optional(rights),
      note: schema.optional(schema.string({ charactersMax: 500 }))
    }),
    result: schema.object({ line: text }),
    errors: errors('ERR_RIGHT_UNKNOWN')
  }),
  defineMethod({
    name: 'access.receive',
    summary: 'Takes the request line of somebody else and lists it as pending',
    params: schema.object({ line }),
    result: request,
    errors: errors('ERR_ACCESS_LINE')
  }),
  defineMethod({
    name: 'access.requests',
    summary: 'Requests that wait for an answer',
    result: schema.object({ requests: schema.array(request) })
  }),
  defineMethod({
    name: 'access.approve',
    summary: 'Grants what was asked, or less, and makes the line to send back',
    params: schema.object({
      request: line,
      path: schema.optional(path),
      rights: schema.optional(rights),
      name: schema.optional(principalName)
    }),
    result: schema.object({ line: text, grants: schema.array(identifier), caps: schema.array(identifier) }),
    errors: [...pathErrors, ...errors('ERR_ACCESS_LINE', 'ERR_ACCESS_REQUEST_UNKNOWN', 'ERR_RIGHT_UNKNOWN')]
  }),
  defineMethod({
    name: 'access.accept',
    summary:
      'Takes the line that answers a request, or a link; the tree of another owner is kept from then on',
    params: schema.object({ line }),
    result: schema.object({ treeId: identifier, path: text, rights, records: size }),
    errors: errors('ERR_ACCESS_LINE', 'ERR_TREE_LIMIT')
  }),
  defineMethod({
    name: 'bundle.export',
    summary: 'Writes signed records and sealed content to a file that another node can take',
    params: schema.object({
      file: localPath,
      paths: schema.optional(schema.array(path, { itemsMax: 1000 })),
      to: schema.optional(principalName)
    }),
    result: schema.object({ records: size, sectors: size, bytes: size }),
    errors: [...pathErrors, ...errors('ERR_PATH_LOCAL')]
  }),
  defineMethod({
    name: 'bundle.import',
    summary: 'Takes what a bundle holds, each record checked as if it came from a stranger',
    params: schema.object({ file: localPath }),
    result: schema.object({
      treeId: identifier,
      accepted: size,
      known: size,
      parked: size,
      quarantined: size,
      refused: size,
      sectors: size,
      reasons: schema.array(text)
    }),
    errors: errors('ERR_PATH_LOCAL', 'ERR_TREE_NOT_HOSTED', 'ERR_STORE_FULL')
  })
] as const

export const sharingMethodTable: MethodTable<SharingMethods> = createMethodTable([
  ...grantDefinitions,
  ...accessDefinitions
])
