/** node.*: handlers about the process itself. */
import { statfs } from 'node:fs/promises'
import { formatId } from '@blocktree/codec'
import type { Handlers } from '@blocktree/rpc'
import { currentRoot } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import type {
  CoordinatorStatus,
  NetworkStatus,
  NodeStatus,
  ProcessMethods
} from '../method-table/node-methods.ts'
import type { LogLevel } from '../log.ts'
import type { Peer } from '../peer.ts'
import type { Session } from '../session.ts'
import { hasRecovery } from '../succession.ts'
import { version } from '../version.ts'

export function createProcessHandlers(parts: NodeParts): Handlers<ProcessMethods, Peer> {
  const { log, clock } = parts
  return {
    'node.ping': () => ({ timeMs: clock.now() }),
    'node.status': (_, { peer }) => describeNode(parts, peer.session),
    'node.shutdown'() {
      setImmediate(parts.requestShutdown) // the answer goes first
      return {}
    },
    async 'node.doctor'() {
      const { examine } = await import('../doctor.ts')
      return examine(parts)
    },
    'node.log': ({ limit, level }) => ({ entries: log.recent(limit ?? 100, (level ?? 'trace') as LogLevel) }) // checked by its schema
  }
}

async function describeNode(parts: NodeParts, session: Session): Promise<NodeStatus> {
  const { tree, store, record, root, principals, configuration } = parts
  const [statistics, disk, apps, coordinator] = await Promise.all([
    store.statistics(),
    statfs(parts.directory.path),
    parts.apps.loaded(),
    describeCoordinator(parts)
  ])
  const counts = tree.statistics()
  const memory = process.memoryUsage()
  const rootId = currentRoot(tree.authority)
  return {
    state: 'running',
    treeId: record.treeId,
    createdMs: record.createdMs,
    principal: { name: session.name, id: formatId(session.actor.id) },
    node: { id: formatId(principals.node.id) },
    root: {
      id: rootId === undefined ? '' : formatId(rootId),
      isUnlocked: root.state.isUnlocked,
      hasRecovery: hasRecovery(tree)
    },
    versions: { blocktree: version, runtime: process.versions.node, format: record.format },
    process: {
      id: process.pid,
      uptimeMs: Math.max(0, Math.round(process.uptime() * 1000)),
      residentBytes: memory.rss,
      heapBytes: memory.heapUsed
    },
    tree: {
      records: counts.records,
      headers: counts.headers,
      blocks: counts.live,
      conflicts: counts.conflicts
    },
    store: {
      durability: configuration.store.durability,
      segments: statistics.segments,
      bytes: statistics.segmentBytes,
      indexBytes: statistics.indexBytes
    },
    space: { freeBytes: disk.bavail * disk.bsize, totalBytes: disk.blocks * disk.bsize },
    crypto: parts.crypto.name,
    trees: [record.treeId, ...parts.trees.hosted.names],
    connections: parts.connectionCount(),
    dataDirectory: parts.directory.path,
    recovery: parts.recovery,
    ...(apps === undefined ? {} : { apps: await apps.status() }),
    network: await describeNetwork(parts),
    ...(coordinator === undefined ? {} : { coordinator })
  }
}

async function describeCoordinator({
  coordinator,
  names
}: NodeParts): Promise<CoordinatorStatus | undefined> {
  const summary = await coordinator.summary()
  if (summary === undefined) return undefined
  const { kind, leader, term, role, voters, learners } = summary
  const shown = names.current()
  const nameOf = (member: string): string => shown(Uint8Array.fromHex(member))
  return {
    kind,
    ...(leader === undefined ? {} : { leader: nameOf(leader) }),
    term,
    role,
    hasMajority: leader !== undefined,
    voters: voters.map(nameOf),
    learners: learners.map(nameOf)
  }
}

async function describeNetwork({ cluster, standing }: NodeParts): Promise<NetworkStatus> {
  const open = await cluster.loaded()
  const peers = open?.directory.peers() ?? []
  return {
    isOpen: open !== undefined,
    addresses: open?.addresses() ?? [],
    members: (open === undefined ? [] : standing.members()).filter((id) => open?.book.entry(id) !== undefined)
      .length,
    connected: peers.filter(({ principal }) => standing.standingOf(principal) === 'member').length,
    candidates: open?.desk.candidates().length ?? 0
  }
}
