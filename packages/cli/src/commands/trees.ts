/** `trees`: the own tree and those of other owners that are kept here. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatTable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const { trees } = await node.call('tree.list', {})
  if (output.isJson) {
    for (const tree of trees) output.item(tree, () => [])
    return
  }
  const rows = trees.map(({ treeId, isOwn, isReadable, blocks, bytes }) => [
    `/${treeId}`,
    isOwn ? 'own' : isReadable ? 'hosted' : 'waits for a bundle',
    String(blocks),
    formatBytes(bytes)
  ])
  const head = ['tree', 'state', 'entries', 'size'].map((cell) => output.dim(cell))
  output.result(undefined, () => formatTable([head, ...rows], [2, 3]))
}
