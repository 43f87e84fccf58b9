/** `root status`. */
import type { CommandContext } from '../command.ts'
import { rootLines } from '../root-status.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const status = await node.call('root.status', {})
  context.output.result(status, () => rootLines(status))
}
