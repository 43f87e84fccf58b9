/** `principal list`. */
import type { CommandContext } from '../command.ts'
import { formatTable, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const { principals } = await node.call('principal.list', {})
  if (output.isJson) {
    for (const principal of principals) output.item(principal, () => [])
    return
  }
  const rows = principals.map(({ name, id, isLocal, isRoot, isNode }) => {
    const kind = isRoot ? 'root' : isNode ? 'this node' : isLocal ? 'local' : 'known'
    return [printable(name), kind, id]
  })
  output.result(undefined, () => formatTable(rows))
}
