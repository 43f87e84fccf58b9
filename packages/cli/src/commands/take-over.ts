/** `take-over`: makes a version that was set aside the newest one. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const [block = '', version = ''] = context.arguments
  const treeId = context.options.text('tree')
  const answer = await node.call('access.takeOver', {
    block,
    version,
    ...(treeId === undefined ? {} : { treeId })
  })
  context.output.result(answer, () => [`version ${answer.versionId} is the newest one now`])
}
