/** `app uninstall`: app, grants and data go; the data stays as a copy when it is wanted. */
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const name = context.arguments[0] ?? ''
  const node = await context.node()
  const answer = await node.call('app.uninstall', { name, keepData: context.options.has('keep-data') })
  context.output.result(answer, () => [
    `${name} is uninstalled${answer.keptAt === undefined ? '' : `; its files are at ${printable(answer.keptAt)}`}`
  ])
}
