/** `forget`: removes a tree of another owner from this node. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const treeId = (context.arguments[0] ?? '').replace(/^\/|\/$/g, '')
  await node.call('tree.forget', { treeId, confirm: context.options.has('yes') })
  context.output.result({ treeId, forgotten: true }, () => [`The tree ${treeId} is no longer kept here.`])
}
