/** `unpublish`: blocks that no other publication needs are removed. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const { blocks } = await node.call('content.unpublish', { urn: context.arguments[0] ?? '' })
  context.output.result({ blocks }, () => [`removed ${blocks} blocks; copies that others have stay`])
}
