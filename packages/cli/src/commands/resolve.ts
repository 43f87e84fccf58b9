/** `resolve`: ends a conflict. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const keep = context.options.text('keep')
  const drop = context.options.has('drop')
  const notes = createPromiseNotes(context)
  const params = { path, drop, ...(keep === undefined ? {} : { keep }), ...waitParams(context) }
  const answer = await node.call('file.resolve', params, { signal: context.signal })
  context.output.result({ path, ...answer }, () => [`${path} has one version again`])
  notes.say(answer.promise)
  notes.end()
}
