/** `requests`: pending requests; takes a new one when a line is given. */
import type { CommandContext } from '../command.ts'
import { formatTable, formatTime, printable, shortId } from '../format.ts'
import { readLineArgument } from '../read-line.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const [line] = context.arguments
  if (line !== undefined) await node.call('access.receive', { line: readLineArgument(line) })
  const { requests } = await node.call('access.requests', {})
  if (output.isJson) for (const request of requests) output.item(request, () => [])
  else if (requests.length === 0) output.note('No requests wait for an answer.')
  else {
    const head = ['id', 'who', 'path', 'rights', 'received', 'note'].map((cell) => output.dim(cell))
    const rows = requests.map(({ id, name, principal, path, rights, receivedMs, note }) => [
      id,
      name === '' ? shortId(principal) : printable(name),
      printable(path),
      rights.join(','),
      formatTime(receivedMs),
      printable(note)
    ])
    output.result(undefined, () => formatTable([head, ...rows]))
  }
}
