/** `unshare`. */
import type { CommandContext } from '../command.ts'
import { formatCount } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const bar = output.progress('unshare')
  const answer = await node.call(
    'share.remove',
    { path },
    { signal, onProgress: (report) => bar.update(report) }
  )
  bar.finish()
  output.result({ path, ...answer }, () => [
    `${path} is a plain directory now (${formatCount(answer.blocks, 'entry', 'entries')} moved over)`
  ])
}
