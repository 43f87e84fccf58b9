/** `accept`: takes the line that answers a request. */
import type { CommandContext } from '../command.ts'
import { formatCount, printable } from '../format.ts'
import { readLineArgument } from '../read-line.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const answer = await node.call('access.accept', { line: readLineArgument(context.arguments[0] ?? '') })
  context.output.result(answer, () => [
    `you may ${answer.rights.join(', ')} ${printable(answer.path)} in tree ${answer.treeId} (${formatCount(answer.records, 'record')} taken)`
  ])
}
