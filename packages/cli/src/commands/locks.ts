/** `locks`: who holds which lock. */
import type { CommandContext } from '../command.ts'
import { formatTable, printable } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const [given] = context.arguments
  const node = await context.node()
  const answer = await node.call('lock.list', given === undefined ? {} : { path: treePath(given) })
  output.result(answer, () => {
    if (answer.locks.length === 0)
      return [given === undefined ? 'no locks are held by this node' : 'not locked']
    const rows = answer.locks.map((lock) => [
      printable(lock.path ?? lock.id),
      `${printable(lock.node)}${lock.isThisNode ? ' (this node)' : ''}`,
      printable(lock.principal ?? '-'),
      String(lock.token),
      `${lock.ttlMs / 1000} s`,
      String(lock.waiting)
    ])
    const head = ['file', 'node', 'principal', 'token', 'lasts', 'waiting'].map((cell) => output.dim(cell))
    return formatTable([head, ...rows], [])
  })
}
