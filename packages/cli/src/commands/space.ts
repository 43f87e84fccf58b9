/** `space`. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount, formatTable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const report = await node.call('store.space', {})
  output.result(report, () =>
    formatTable(
      [
        ['content', `${formatBytes(report.segmentBytes)} in ${formatCount(report.segments, 'segment')}`],
        ['index', formatBytes(report.indexBytes)],
        ['disk', `${formatBytes(report.freeBytes)} free of ${formatBytes(report.totalBytes)}`]
      ].map(([label = '', value = '']) => [output.dim(label), value])
    )
  )
}
