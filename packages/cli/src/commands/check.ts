/** `check`: reads back and verifies. */
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { formatBytes, formatCount } from '../format.ts'

export async function run(context: CommandContext): Promise<number> {
  const { output, options, signal } = context
  const node = await context.node()
  const bar = output.progress('check')
  const params = { quick: options.has('quick'), rebuildIndex: options.has('rebuild-index') }
  const report = await node.call('store.check', params, {
    signal,
    onProgress: (progress) => bar.update(progress)
  })
  bar.finish()
  output.result(report, () => [
    ...report.problems.map(({ code, reason, place }) => `${output.red(code)}  ${place}: ${reason}`),
    `${formatCount(report.records, 'record')}, ${formatCount(report.sectors, 'sector')}, ${formatBytes(report.bytes)} in ${formatCount(report.segments, 'segment')} checked` +
      (report.indexRebuilt ? ', index made again' : ''),
    report.problems.length === 0
      ? output.green('No damage.')
      : output.red(formatCount(report.problems.length, 'problem'))
  ])
  return report.problems.length === 0 ? exitCode.ok : exitCode.damaged
}
