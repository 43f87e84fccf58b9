/** `cluster reset`: locks and numbers begin anew on this node. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const node = await context.node()
  const answer = await node.call('lock.reset', { confirm: options.has('yes') })
  output.result(answer, () => ['locks begin anew here; the other nodes join when they are reached'])
}
