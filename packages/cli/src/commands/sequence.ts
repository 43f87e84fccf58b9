/** `sequence`: numbers of a file that rise over all nodes. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const [given = '/'] = context.arguments
  const count = options.integer('count', 1) ?? 1
  const node = await context.node()
  const answer = await node.call('lock.sequence', { path: treePath(given), count })
  output.result(answer, () => [String(answer.first)])
}
