/** `unlock`: gives a lock back that was taken on this node, or takes one away. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const path = treePath(context.arguments[0] ?? '/')
  const token = options.integer('token', 1)
  const node = await context.node()
  if (options.has('break')) {
    const { isBroken } = await node.call('lock.break', { path, ...(token === undefined ? {} : { token }) })
    if (!isBroken) throw notHeld(path)
    output.result({ path, isBroken }, () => [`${path} is locked no longer`])
    return
  }
  const { locks } = await node.call('lock.list', { path })
  const held = locks.find((lock) => lock.isThisNode && (token === undefined || lock.token === token))
  if (held === undefined && locks.length > 0)
    throw new CliError('ERR_LOCK_ENDED', `"${path}" is locked on another node, or under another token`, {
      advice: '"blocktree locks PATH" shows who holds it; "unlock PATH --break" takes it away'
    })
  if (held === undefined) throw notHeld(path)
  const answer = await node.call('lock.release', { path, token: held.token })
  if (!answer.isReleased)
    throw new CliError('ERR_LOCK_ENDED', `the lock of "${path}" was taken by another principal, or is over`)
  output.result({ path, ...answer }, () => [`${path} is locked no longer`])
}

function notHeld(path: string): CliError {
  return new CliError('ERR_LOCK_ENDED', `nobody holds the lock of "${path}"`)
}
