/** `mkdir`. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const answer = await node.call('file.mkdir', { path, parents: context.options.has('parents') })
  context.output.result({ path, ...answer }, () => [])
}
