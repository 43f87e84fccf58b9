/** `restore`: a version by its number or id. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '')
  const waiting = waitParams(context)
  const wanted = context.arguments[1] ?? ''
  let version = wanted
  if (/^\d+$/.test(wanted)) {
    const { versions } = await node.call('file.history', { path })
    const found = versions.find((candidate) => candidate.version === Number(wanted))
    if (found === undefined) {
      throw new CliError('ERR_ARGUMENT_VALUE', `"${path}" has no version ${wanted}`, {
        advice: `see "blocktree history ${path}"`
      })
    }
    version = found.versionId
  }
  const notes = createPromiseNotes(context)
  const answer = await node.call('file.restore', { path, version, ...waiting }, { signal: context.signal })
  context.output.result({ path, ...answer }, () => [`${path} has that version again (${answer.versionId})`])
  notes.say(answer.promise)
  notes.end()
}
