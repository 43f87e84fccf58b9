/** The coordinator that the settings ask for, running. Loaded when it is first needed (./lazy-coordinator.ts). */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  beginAnew,
  BuiltinCoordinator,
  type Coordinator,
  type CoordinatorClock,
  type CoordinatorLink,
  EtcdCoordinator,
  FileRaftStorage,
  type NameRule,
  openNodeFiles
} from '@blocktree/coordinator'
import { equalBytes } from '@blocktree/codec'
import { currentRoot, type Id } from '@blocktree/tree'
import { reasonOf } from '../node-error.ts'
import { highestToken } from './fence-floor.ts'
import { coordinatorFolder, type CoordinatorParts, type CoordinatorSummary } from './lazy-coordinator.ts'
import { type LockedTree, mayName, mayVote } from './member-nodes.ts'
import { restoredFloor } from './restored-tokens.ts'

export interface RunningCoordinator {
  readonly coordinator: Coordinator
  /** No token known here is higher; undefined when others keep them. */
  readonly tokenFloor: number | undefined
  summary(): CoordinatorSummary
  /** Makes the members those that are given, when this one leads; one change at a time. */
  keepMembers(nodes: readonly Id[]): Promise<void>
  close(): Promise<void>
}

const clock: CoordinatorClock = {
  now: () => performance.now(),
  start(delayMs, call) {
    const timer = setTimeout(call, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

/** @throws ERR_COORDINATOR_STORAGE_DAMAGED */
export async function openCoordinator(
  parts: CoordinatorParts,
  link: CoordinatorLink
): Promise<RunningCoordinator> {
  const { coordinator } = parts.configuration.cluster
  return coordinator === 'etcd' ? openEtcd(parts) : await openBuiltin(parts, link)
}

async function openBuiltin(parts: CoordinatorParts, link: CoordinatorLink): Promise<RunningCoordinator> {
  const { directory, principals, log, store } = parts
  const self = principals.node.id.toHex()
  const floor = restoredFloor(store)
  if (floor !== undefined && !existsSync(join(directory.path, coordinatorFolder)))
    await beginAlone(directory.path, principals.node.id, Math.max(floor, await highestToken(store)))
  const storage = new FileRaftStorage(await openNodeFiles(join(directory.path, coordinatorFolder)))
  const votes = (member: string): boolean => mayVote(lockedTree(parts), Uint8Array.fromHex(member))
  const coordinator = await BuiltinCoordinator.open({
    self,
    link,
    storage,
    clock,
    random: Math.random,
    first: isFounder(parts),
    mayVote: votes,
    mayName: nameRule(parts),
    failed: (error) => log.error('the coordinator of this node has stopped', { reason: reasonOf(error) })
  })
  return {
    coordinator,
    get tokenFloor() {
      return coordinator.lastIndex
    },
    summary() {
      const { leader, term, role, voters, learners } = coordinator.status()
      const isAlone = voters.length === 1 && voters[0] === self && learners.length === 0
      return { kind: isAlone ? 'local' : 'builtin', leader, term, role, voters, learners }
    },
    async keepMembers(nodes) {
      const { role, voters, learners } = coordinator.status()
      if (role !== 'leader') return
      const wanted = new Set(nodes.map((id) => id.toHex()))
      const present = [...voters, ...learners]
      for (const member of present) if (!wanted.has(member)) await coordinator.removeMember(member)
      // who may vote no longer comes back as a learner; the leader itself stays until another one leads
      for (const voter of voters)
        if (voter !== self && wanted.has(voter) && !votes(voter)) await coordinator.removeMember(voter)
      for (const member of wanted) if (!present.includes(member)) await coordinator.addMember(member)
    },
    close: () => coordinator.close()
  }
}

function lockedTree({ trees, standing }: CoordinatorParts): LockedTree {
  return { tree: trees.own.tree, standing: standing.of(trees.own) }
}

function nameRule(parts: CoordinatorParts): NameRule {
  return (member, name) => mayName(lockedTree(parts), Uint8Array.fromHex(member), name)
}

function openEtcd(parts: CoordinatorParts): RunningCoordinator {
  const { configuration, principals, trees } = parts
  const coordinator = new EtcdCoordinator({
    endpoints: configuration.cluster.etcdEndpoints,
    prefix: `blocktree/${trees.own.id.toHex().slice(0, 32)}/`,
    self: principals.node.id.toHex(),
    clock,
    mayName: nameRule(parts)
  })
  return {
    coordinator,
    tokenFloor: undefined,
    summary: () => coordinator.status(),
    keepMembers: () => Promise.resolve(), // its members are administered with the tools of etcd
    close: () => coordinator.close()
  }
}

/**
 * The storage of a coordinator that this node begins anew by itself; none may run on it.
 * @param floor no token is as low as this from now on
 */
export async function beginAlone(directory: string, self: Id, floor: number): Promise<void> {
  const storage = new FileRaftStorage(await openNodeFiles(join(directory, coordinatorFolder)))
  try {
    await beginAnew(storage, { self: self.toHex(), floor })
  } finally {
    await storage.close()
  }
}

/**
 * The node that made the tree begins the cluster; its rights come from the root itself, those of all others from a node
 * that let them in. It matters only as long as nothing is stored.
 */
function isFounder({ trees, principals }: CoordinatorParts): boolean {
  const { authority } = trees.own.tree
  const root = currentRoot(authority)
  if (root === undefined) return false
  return authority.capsOf(principals.node.id).some(({ signer }) => equalBytes(signer, root))
}
