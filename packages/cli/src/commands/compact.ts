/** `compact`. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const node = await context.node()
  const bar = output.progress('compact')
  const report = await node.call(
    'store.compact',
    {},
    { signal, onProgress: (progress) => bar.update(progress) }
  )
  bar.finish()
  output.result(report, () => [
    `${formatBytes(report.bytesFreed)} freed, ${formatCount(report.segmentsRemoved, 'segment')} rewritten`
  ])
}
