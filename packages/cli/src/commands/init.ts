/** `init`: the first start without the running. */
import type { CommandContext } from '../command.ts'
import { runInput } from '../run-input.ts'

export async function run(context: CommandContext): Promise<void> {
  const { initializeNode } = await import('@blocktree/node')
  const { treeId, isNew } = await initializeNode(runInput(context, { 'log-level': 'warn' }))
  context.output.result({ treeId, isNew, dataDirectory: context.dataDirectory }, () => [
    `${isNew ? 'Made' : 'There is already'} a node in ${context.dataDirectory}`,
    `tree ${treeId}`,
    'Start it with "blocktree start".'
  ])
}
