/** `checkpoint`. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const [argument] = context.arguments
  const { checkpoints } = await node.call(
    'checkpoint.create',
    argument === undefined ? {} : { path: treePath(argument) }
  )
  context.output.result({ checkpoints }, () =>
    checkpoints.map(({ zone, id, sequence }) => `${id}  number ${sequence} of zone ${zone}`)
  )
}
