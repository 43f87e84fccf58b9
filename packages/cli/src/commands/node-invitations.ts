/** `node invitations`: what is open, without the codes. */
import type { CommandContext } from '../command.ts'
import { formatTable, formatTime } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const node = await context.node()
  const invitation = options.text('revoke')
  if (invitation !== undefined) {
    await node.call('node.uninvite', { invitation })
    output.result({ invitation }, () => ['it cannot be used any more'])
    return
  }
  const { invitations } = await node.call('node.invitations', {})
  const head = ['id', 'for', 'path', 'state', 'until'].map((cell) => output.dim(cell))
  const rows = invitations.map(({ id, name, path, state, expiresMs }) => [
    id,
    name === '' ? '-' : name,
    path,
    state,
    formatTime(expiresMs)
  ])
  output.result(invitations, () => (rows.length === 0 ? ['none'] : formatTable([head, ...rows])))
}
