/** `mv`: renames, or moves into a directory. */
import type { CommandContext } from '../command.ts'
import { baseName, destinationFor, treePath } from '../tree-path.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const source = treePath(context.arguments[0] ?? '')
  const destination = await destinationFor(node, context.arguments[1] ?? '', baseName(source))
  const fence = context.options.integer('fence', 1)
  const notes = createPromiseNotes(context)
  const params = {
    source,
    destination,
    replace: context.options.has('replace'),
    ...(fence === undefined ? {} : { fence }),
    ...waitParams(context)
  }
  const answer = await node.call('file.move', params, { signal: context.signal })
  context.output.result({ source, destination, ...answer }, () => [])
  notes.say(answer.promise)
  notes.end()
}
