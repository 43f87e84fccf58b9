/** `prune`: gives up old versions, and files that were removed long ago. */
import type { PruneReport } from '@blocktree/node/method-table'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output, signal } = context
  const [argument] = context.arguments
  const olderThanDays = options.integer('older-than')
  const versions = options.integer('versions')
  const dryRun = options.has('dry-run')
  const node = await context.node()
  const bar = output.progress('prune')
  const report = await node.call(
    'store.prune',
    {
      ...(argument === undefined ? {} : { path: treePath(argument) }),
      ...(olderThanDays === undefined ? {} : { olderThanDays }),
      ...(versions === undefined ? {} : { versions }),
      dryRun,
      force: options.has('force')
    },
    { signal, onProgress: (progress) => bar.update(progress) }
  )
  bar.finish()
  output.result(report, () => linesOf(report, dryRun))
}

function linesOf({ zones }: PruneReport, dryRun: boolean): readonly string[] {
  const sum = (name: 'versions' | 'recordBytes' | 'buried' | 'kept' | 'graves'): number =>
    zones.reduce((total, zone) => total + zone[name], 0)
  const young = zones.filter(({ base }) => base === undefined).length
  const versions = formatCount(sum('versions'), 'old version')
  return [
    `${versions} (${formatBytes(sum('recordBytes'))} of records) ${dryRun ? 'would go' : 'given up'}; "blocktree gc" frees their space`,
    ...(sum('buried') > 0 ? [`${formatCount(sum('buried'), 'removed file')} of them for good`] : []),
    ...(sum('graves') > 0
      ? [`${formatCount(sum('graves'), 'removed file')} buried; they go when this checkpoint is old enough`]
      : []),
    ...(sum('kept') > 0 ? [`${formatCount(sum('kept'), 'file')} left alone; see "blocktree conflicts"`] : []),
    ...(young > 0 ? [`${formatCount(young, 'zone')} without a checkpoint that is old enough`] : [])
  ]
}
