/** `gc`. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const node = await context.node()
  const bar = output.progress('gc')
  const removed = context.options.has('removed')
  const report = await node.call(
    'store.gc',
    { removed },
    { signal, onProgress: (progress) => bar.update(progress) }
  )
  bar.finish()
  output.result(report, () => [
    `${formatBytes(report.bytesFreed)} freed, ${formatCount(report.segmentsRemoved, 'segment')} removed`,
    ...(report.sectorsMissing > 0
      ? [output.red(`${formatCount(report.sectorsMissing, 'sector')} missing; run "blocktree check"`)]
      : [])
  ])
}
