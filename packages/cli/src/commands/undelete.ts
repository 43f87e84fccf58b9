/** `undelete`: brings back what was removed last. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const notes = createPromiseNotes(context)
  const params = { path, ...waitParams(context) }
  const answer = await node.call('file.undelete', params, { signal: context.signal })
  context.output.result({ path, ...answer }, () => [`${path} is back`])
  notes.say(answer.promise)
  notes.end()
}
