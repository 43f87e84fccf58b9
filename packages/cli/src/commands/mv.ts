/** `mv`: renames, or moves into a directory. */
import type { CommandContext } from '../command.ts'
import { baseName, destinationFor, treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const source = treePath(context.arguments[0] ?? '')
  const destination = await destinationFor(node, context.arguments[1] ?? '', baseName(source))
  const fence = context.options.integer('fence', 1)
  const answer = await node.call('file.move', {
    source,
    destination,
    replace: context.options.has('replace'),
    ...(fence === undefined ? {} : { fence })
  })
  context.output.result({ source, destination, ...answer }, () => [])
}
