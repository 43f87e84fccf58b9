/** `approve`, `invite`: grants what was asked for and prints the line to send back. */
import type { CommandContext } from '../command.ts'
import { readLineArgument } from '../read-line.ts'
import { parseRights } from '../rights.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const node = await context.node()
  const argument = context.arguments[0] ?? ''
  const { requests } = await node.call('access.requests', {})
  const isPending = requests.some(({ id }) => id === argument)
  const path = options.text('path')
  const rights = options.text('rights')
  const name = options.text('name')
  const answer = await node.call('access.approve', {
    request: isPending ? argument : readLineArgument(argument),
    ...(path === undefined ? {} : { path: treePath(path) }),
    ...(name === undefined ? {} : { name }),
    ...(rights === undefined ? {} : { rights: parseRights(rights) })
  })
  output.result(answer, () => [answer.line])
  output.note('Send this line back; only the one who asked can use it.')
}
