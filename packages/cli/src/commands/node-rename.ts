/** `node rename`: what this node calls itself. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const answer = await node.call('node.rename', { name: context.arguments[0] ?? '' })
  context.output.result(answer, () => [`this node is called ${answer.name} now`])
}
