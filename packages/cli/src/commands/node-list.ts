/** `node list`: the nodes of the tree. */
import type { CommandContext } from '../command.ts'
import { formatTable } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const tree = context.options.text('tree')
  const { members } = await node.call('node.members', tree === undefined ? {} : { path: treePath(tree) })
  const head = ['name', 'fingerprint', 'state', 'rights'].map((cell) => output.dim(cell))
  const rows = members.map(({ name, fingerprint, isSelf, isConnected, caps }) => [
    name,
    fingerprint,
    isSelf ? 'this one' : isConnected ? output.green('connected') : output.yellow('not reached'),
    caps.map(({ path, rights }) => `${path}: ${rights.join(',')}`).join('; ')
  ])
  output.result(members, () => formatTable([head, ...rows]))
}
