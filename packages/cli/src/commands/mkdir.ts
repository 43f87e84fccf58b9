/** `mkdir`. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const waiting = waitParams(context)
  const notes = createPromiseNotes(context)
  const parents = context.options.has('parents')
  const answer = await node.call('file.mkdir', { path, parents, ...waiting }, { signal: context.signal })
  context.output.result({ path, ...answer }, () => [])
  notes.say(answer.promise)
  notes.end()
}
