/** `cp`: copies within the tree. */
import type { CommandContext } from '../command.ts'
import { formatCount } from '../format.ts'
import { baseName, destinationFor, treePath } from '../tree-path.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output, signal } = context
  const node = await context.node()
  const source = treePath(context.arguments[0] ?? '')
  const destination = await destinationFor(node, context.arguments[1] ?? '', baseName(source))
  const notes = createPromiseNotes(context)
  const params = {
    source,
    destination,
    recursive: options.has('recursive'),
    replace: options.has('replace'),
    ...waitParams(context)
  }
  const bar = output.progress('copying')
  const answer = await node.call('file.copy', params, { signal, onProgress: (report) => bar.update(report) })
  bar.finish()
  output.result({ source, destination, ...answer }, () =>
    answer.blocks > 1 ? [`copied ${formatCount(answer.blocks, 'entry', 'entries')}`] : []
  )
  notes.say(answer.promise)
  notes.end()
}
