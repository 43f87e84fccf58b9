/** `rm`. */
import type { CommandContext } from '../command.ts'
import { formatCount } from '../format.ts'
import { treePath } from '../tree-path.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options, signal } = context
  const node = await context.node()
  const waiting = waitParams(context)
  const notes = createPromiseNotes(context)
  for (const argument of context.arguments) {
    const path = treePath(argument)
    const bar = output.progress('removing')
    const recursive = options.has('recursive')
    const answer = await node.call(
      'file.remove',
      { path, recursive, ...waiting },
      { signal, onProgress: (report) => bar.update(report) }
    )
    bar.finish()
    output.item({ path, ...answer }, () =>
      answer.removed > 1 ? [`removed ${formatCount(answer.removed, 'entry', 'entries')}`] : []
    )
    notes.say(answer.promise)
  }
  notes.end()
}
