/** `sync resume`: a node that went back to an older state writes again. */
import type { CommandContext } from '../command.ts'
import { formatCount } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const answer = await node.call('sync.resume', { confirm: context.options.has('yes') })
  context.output.result(answer, () => [
    answer.resumed === 0
      ? 'Nothing was held back.'
      : `${formatCount(answer.resumed, 'tree')} can be written again.`
  ])
}
