/** `grants`: who may read and write. */
import type { CommandContext } from '../command.ts'
import { formatTable, formatTime, printable } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const node = await context.node()
  const [argument] = context.arguments
  const params = { all: options.has('all'), ...(argument === undefined ? {} : { path: treePath(argument) }) }
  const [{ grants }, { caps }] = await Promise.all([
    node.call('grant.list', params),
    node.call('cap.list', params)
  ])
  if (output.isJson) {
    for (const grant of grants) output.item({ type: 'grant', ...grant }, () => [])
    for (const cap of caps) output.item({ type: 'cap', ...cap }, () => [])
    return
  }
  const rows = [
    ...grants.map((grant) => [
      printable(grant.path),
      grant.recipient,
      'read',
      formatTime(grant.notAfterMs),
      grant.state,
      grant.id
    ]),
    ...caps.map((cap) => [
      printable(cap.path),
      cap.subject,
      cap.rights.join(','),
      formatTime(cap.notAfterMs),
      cap.state,
      cap.id
    ])
  ]
  const head = ['path', 'who', 'may', 'until', 'state', 'id'].map((cell) => output.dim(cell))
  output.result(undefined, () =>
    formatTable([
      head,
      ...rows.toSorted(([left = ''], [right = '']) => (left < right ? -1 : left > right ? 1 : 0))
    ])
  )
}
