/** node.*: the process itself. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { type Empty, identifier, type Shape, size, timeMs } from './shape.ts'

export interface NodeStatus {
  readonly state: string
  readonly treeId: string
  readonly createdMs: number
  /** The principal of this connection. */
  readonly principal: { readonly name: string; readonly id: string }
  readonly node: { readonly id: string }
  readonly root: {
    readonly id: string
    readonly isUnlocked: boolean
    /** False: a lost root key cannot be replaced. */
    readonly hasRecovery: boolean
  }
  readonly versions: { readonly blocktree: string; readonly runtime: string; readonly format: number }
  readonly process: {
    readonly id: number
    readonly uptimeMs: number
    readonly residentBytes: number
    readonly heapBytes: number
  }
  /** Blocks are files, directories and links that are shown. */
  readonly tree: {
    readonly records: number
    readonly headers: number
    readonly blocks: number
    readonly conflicts: number
  }
  readonly store: {
    readonly durability: string
    readonly segments: number
    readonly bytes: number
    readonly indexBytes: number
  }
  readonly space: { readonly freeBytes: number; readonly totalBytes: number }
  readonly crypto: string
  /** Ids of the trees kept here, the own one first. */
  readonly trees: readonly string[]
  readonly connections: number
  readonly dataDirectory: string
  /** What the last open had to repair; empty after a clean stop. */
  readonly recovery: readonly string[]
  /** Absent as long as no app was installed or asked about. */
  readonly apps?: AppsStatus | undefined
  readonly network: NetworkStatus
  /** Who gives locks; absent as long as nobody locked and no other node is in the tree. */
  readonly coordinator?: CoordinatorStatus | undefined
}

export interface CoordinatorStatus {
  readonly kind: 'local' | 'builtin' | 'etcd'
  /** Name of the node that leads; absent while none is known. */
  readonly leader?: string | undefined
  readonly term: number
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner'
  /** False: too few nodes can be reached to agree, so that no lock is given; writes without one go on. */
  readonly hasMajority: boolean
  /** Names of nodes. */
  readonly voters: readonly string[]
  /** Nodes that follow without a vote. */
  readonly learners: readonly string[]
}

export interface NetworkStatus {
  /** False while nobody was invited and no other node is in the tree: nothing listens then. */
  readonly isOpen: boolean
  readonly addresses: readonly string[]
  /** Other nodes of the trees kept here. */
  readonly members: number
  readonly connected: number
  /** Nodes that wait for a word ("node approve"). */
  readonly candidates: number
}

export interface AppsStatus {
  readonly installed: number
  readonly running: number
  /** Names of apps that were suspended, cannot start or are damaged. */
  readonly failing: readonly string[]
  readonly engine: string
  /** How processes of apps are confined: `process`, `bwrap`, `bwrap+seccomp`. */
  readonly level: string
  /** Where apps answer; absent when they do not, then `problem` says why. */
  readonly address?: string | undefined
  readonly problem?: string | undefined
}

export interface DoctorReport {
  readonly findings: readonly Finding[]
  readonly checks: number
  /** How apps run; absent when there are none, or they cannot run. */
  readonly apps?: { readonly engine: string; readonly level: string } | undefined
}

export interface Finding {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'note'
  /** What was found, with the facts. */
  readonly reason: string
  /** What to do, as a sentence or a command. */
  readonly fix: string
}

export interface LogLine {
  readonly timeMs: number
  readonly level: string
  readonly message: string
  readonly fields: unknown
}

export interface ProcessMethods {
  readonly 'node.ping': Shape<Empty, { readonly timeMs: number }>
  readonly 'node.status': Shape<Empty, NodeStatus>
  readonly 'node.shutdown': Shape<Empty, Empty>
  readonly 'node.doctor': Shape<Empty, DoctorReport>
  readonly 'node.log': Shape<
    { readonly limit?: number | undefined; readonly level?: string | undefined },
    { readonly entries: readonly LogLine[] }
  >
}

const text = schema.string()
const levels = schema.enumeration(['error', 'warn', 'info', 'debug', 'trace'])

const status = schema.object({
  state: text,
  treeId: identifier,
  createdMs: timeMs,
  principal: schema.object({ name: text, id: identifier }),
  node: schema.object({ id: identifier }),
  root: schema.object({ id: identifier, isUnlocked: schema.boolean(), hasRecovery: schema.boolean() }),
  versions: schema.object({ blocktree: text, runtime: text, format: schema.integer() }),
  process: schema.object({
    id: schema.integer(),
    uptimeMs: schema.integer(),
    residentBytes: size,
    heapBytes: size
  }),
  tree: schema.object({ records: size, headers: size, blocks: size, conflicts: size }),
  store: schema.object({ durability: text, segments: size, bytes: size, indexBytes: size }),
  space: schema.object({ freeBytes: size, totalBytes: size }),
  crypto: text,
  trees: schema.array(identifier),
  connections: size,
  dataDirectory: text,
  recovery: schema.array(text),
  apps: schema.optional(
    schema.object({
      installed: size,
      running: size,
      failing: schema.array(text),
      engine: text,
      level: text,
      address: schema.optional(text),
      problem: schema.optional(text)
    })
  ),
  network: schema.object({
    isOpen: schema.boolean(),
    addresses: schema.array(text),
    members: size,
    connected: size,
    candidates: size
  }),
  coordinator: schema.optional(
    schema.object({
      kind: schema.enumeration(['local', 'builtin', 'etcd']),
      leader: schema.optional(text),
      term: size,
      role: schema.enumeration(['leader', 'follower', 'candidate', 'learner']),
      hasMajority: schema.boolean(),
      voters: schema.array(text),
      learners: schema.array(text)
    })
  )
})

const finding = schema.object({
  code: text,
  severity: schema.enumeration(['error', 'warning', 'note']),
  reason: text,
  fix: text
})

const definitions = [
  defineMethod({
    name: 'node.ping',
    summary: 'Answers at once, with the clock of the node',
    result: schema.object({ timeMs })
  }),
  defineMethod({
    name: 'node.status',
    summary: 'Says who this node is, what it holds and how it fares',
    result: status
  }),
  defineMethod({
    name: 'node.shutdown',
    summary: 'Stops the node cleanly; the answer comes before it stops'
  }),
  defineMethod({
    name: 'node.doctor',
    summary: 'Looks for what could go wrong; each finding has a code, a reason and a fix',
    result: schema.object({
      findings: schema.array(finding),
      checks: size,
      apps: schema.optional(schema.object({ engine: text, level: text }))
    })
  }),
  defineMethod({
    name: 'node.log',
    summary: 'The newest log entries, oldest first, secrets redacted',
    params: schema.object({
      limit: schema.optional(schema.integer({ min: 1, max: 500 })),
      level: schema.optional(levels)
    }),
    result: schema.object({
      entries: schema.array(schema.object({ timeMs, level: text, message: text, fields: schema.anything() }))
    })
  })
] as const

export const processMethodTable: MethodTable<ProcessMethods> = createMethodTable(definitions)
