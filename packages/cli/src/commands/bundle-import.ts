/** `bundle import`. */
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { formatCount } from '../format.ts'
import { localPath } from '../local-path.ts'

export async function run(context: CommandContext): Promise<number> {
  const { output, signal } = context
  const node = await context.node()
  const bar = output.progress('bundle')
  const file = localPath(context, context.arguments[0] ?? '')
  const answer = await node.call(
    'bundle.import',
    { file },
    { signal, onProgress: (report) => bar.update(report) }
  )
  bar.finish()
  output.result(answer, () => [
    `${formatCount(answer.accepted, 'record')} and ${formatCount(answer.sectors, 'sector')} taken, ${answer.known} known already, ` +
      `${answer.parked} wait for others, ${answer.refused} refused`
  ])
  return answer.refused > 0 ? exitCode.damaged : exitCode.ok
}
