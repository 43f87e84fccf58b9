/** `undelete`: brings back what was removed last. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const answer = await node.call('file.undelete', { path })
  context.output.result({ path, ...answer }, () => [`${path} is back`])
}
