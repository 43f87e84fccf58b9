/** `resolve`: ends a conflict. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const keep = context.options.text('keep')
  const drop = context.options.has('drop')
  const answer = await node.call('file.resolve', { path, drop, ...(keep === undefined ? {} : { keep }) })
  context.output.result({ path, ...answer }, () => [`${path} has one version again`])
}
