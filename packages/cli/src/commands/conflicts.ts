/** `conflicts`: competing versions. */
import type { CommandContext } from '../command.ts'
import { formatTable, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const { conflicts } = await node.call('file.conflicts', {})
  if (output.isJson) for (const conflict of conflicts) output.item(conflict, () => [])
  else if (conflicts.length === 0) output.note('No conflicts.')
  else {
    const rows = conflicts.map(({ path, labels, heads, writers, id, isShown }) => [
      printable(path ?? id),
      String(heads.length),
      labels.join(', '),
      [...new Set(writers)].join(', '),
      isShown ? '' : `not shown: ${id}`
    ])
    output.result(undefined, () =>
      formatTable(
        [['path', 'versions', 'labels', 'writers', ''].map((cell) => output.dim(cell)), ...rows],
        [1]
      )
    )
    output.note('"blocktree conflicts show PATH" shows the versions, "blocktree resolve PATH" ends one.')
  }
}
