/** `link show`: what a link opens. */
import type { CommandContext } from '../command.ts'
import { formatTime, printable } from '../format.ts'
import { readLineArgument } from '../read-line.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const shown = await node.call('link.show', { link: readLineArgument(context.arguments[0] ?? '') })
  context.output.result(shown, () => [
    `tree   ${shown.treeId}`,
    `opens  ${printable(shown.path ?? 'something that is not kept here yet')} (${shown.target === 'zone' ? 'a folder' : 'one file'})`,
    `grant  ${shown.grant}`,
    ...(shown.notAfterMs === undefined ? [] : [`ends   ${formatTime(shown.notAfterMs)}`])
  ])
}
