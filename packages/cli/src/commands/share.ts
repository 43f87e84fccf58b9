/** `share`. */
import type { CommandContext } from '../command.ts'
import { formatCount } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const bar = output.progress('share')
  const answer = await node.call(
    'share.create',
    { path },
    { signal, onProgress: (report) => bar.update(report) }
  )
  bar.finish()
  output.result({ path, ...answer }, () => [
    `${path} can be shared by itself now (${formatCount(answer.blocks, 'entry', 'entries')} moved over)`
  ])
}
