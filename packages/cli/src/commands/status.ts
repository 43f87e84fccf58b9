/** `status`: one screen about the node. */
import type { AppsStatus, CoordinatorStatus, NetworkStatus } from '@blocktree/node/method-table'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount, formatDuration, formatTable, formatTime, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const status = await node.call('node.status', {})
  context.output.result(status, () => {
    const { process, store, space, root, versions, tree } = status
    const rows = [
      ['state', `${status.state}, for ${formatDuration(process.uptimeMs)} (process ${process.id})`],
      ['directory', status.dataDirectory],
      ['tree', status.treeId],
      ['made', formatTime(status.createdMs)],
      ['acting as', `${status.principal.name} ${status.principal.id}`],
      [
        'root key',
        `${root.isUnlocked ? 'unlocked' : 'locked'}; ${root.hasRecovery ? 'a recovery key can replace it' : 'no recovery key: if it is lost it cannot be replaced'}`
      ],
      [
        'holds',
        `${formatCount(tree.blocks, 'entry', 'entries')} in ${formatCount(tree.records, 'record')}, ${formatBytes(store.bytes)} in ${formatCount(store.segments, 'segment')}`
      ],
      ...(tree.conflicts > 0 ? [['conflicts', `${tree.conflicts}; see "blocktree conflicts"`]] : []),
      ...appRows(status.apps),
      ...networkRows(status.network),
      ...lockRows(status.coordinator),
      ['durability', store.durability],
      ['disk', `${formatBytes(space.freeBytes)} free of ${formatBytes(space.totalBytes)}`],
      ['memory', `${formatBytes(process.residentBytes)} resident`],
      ['connections', String(status.connections)],
      [
        'versions',
        `blocktree ${versions.blocktree}, node ${versions.runtime}, format ${versions.format}, crypto ${status.crypto}`
      ],
      ['last open', status.recovery.length === 0 ? 'clean' : status.recovery.join('; ')]
    ]
    return formatTable(rows.map(([name = '', value = '']) => [context.output.dim(name), value]))
  })
}

function networkRows({
  isOpen,
  addresses,
  members,
  connected,
  candidates
}: NetworkStatus): readonly (readonly string[])[] {
  if (!isOpen) return [['other nodes', 'none; "blocktree node invite" lets one in']]
  const waiting = candidates === 0 ? '' : `; ${candidates} waiting to join, see "blocktree node approve"`
  return [
    ['other nodes', `${connected} of ${members} connected${waiting}`],
    ['reached at', addresses.join(', ')]
  ]
}

function lockRows(coordinator: CoordinatorStatus | undefined): readonly (readonly string[])[] {
  if (coordinator === undefined) return []
  const { kind, leader, term, hasMajority, voters, learners } = coordinator
  if (!hasMajority)
    return [
      ['locks', 'none can be given: too few nodes of this tree can be reached (ERR_COORDINATOR_NO_MAJORITY)'],
      ['', 'writes without a lock go on, and are reconciled later']
    ]
  if (kind === 'local') return [['locks', 'given by this node']]
  if (kind === 'etcd') return [['locks', `given by etcd; ${printable(leader ?? '')} leads, term ${term}`]]
  const following = learners.length === 0 ? '' : `, ${learners.length} more follow`
  const majority = Math.floor(voters.length / 2) + 1
  return [
    [
      'locks',
      `${printable(leader ?? '')} leads, term ${term}; ${majority} of ${formatCount(voters.length, 'voter')} must agree${following}`
    ]
  ]
}

function appRows(apps: AppsStatus | undefined): readonly (readonly string[])[] {
  if (apps === undefined) return []
  const failing = apps.failing.length === 0 ? '' : `; failing: ${apps.failing.map(printable).join(', ')}`
  return [
    ['apps', `${apps.running} of ${apps.installed} run${failing}`],
    ['apps answer', apps.address ?? `nowhere: ${apps.problem ?? 'unknown'}`],
    ['sandbox', `${apps.engine}, ${apps.level}`]
  ]
}
