/** `ln`: a symbolic link. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const [target = '', path = ''] = context.arguments
  const params = { path: treePath(path), target, ...waitParams(context) }
  const notes = createPromiseNotes(context)
  const answer = await node.call('file.symlink', params, { signal: context.signal })
  context.output.result({ path: treePath(path), target, ...answer }, () => [])
  notes.say(answer.promise)
  notes.end()
}
