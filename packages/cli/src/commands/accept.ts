/** `accept`: takes the line that answers a request, or a code for a share. */
import type { CommandContext } from '../command.ts'
import { formatCount, printable } from '../format.ts'
import { readLineArgument } from '../read-line.ts'
import { isJoinCode, joinFurther } from './node-join.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const [text = ''] = context.arguments
  if (isJoinCode(text)) return await joinFurther(context, node, text.trim())
  const answer = await node.call('access.accept', { line: readLineArgument(text) })
  context.output.result(answer, () => [
    `you may ${answer.rights.join(', ')} ${printable(answer.path)} in tree ${answer.treeId} (${formatCount(answer.records, 'record')} taken)`
  ])
}
