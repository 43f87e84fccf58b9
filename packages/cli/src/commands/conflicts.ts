/** `conflicts`: competing versions. */
import type { CommandContext } from '../command.ts'
import { formatTable, printable, shortId } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const [argument] = context.arguments
  const { conflicts } = await node.call('file.conflicts', argument === undefined ? {} : { path: treePath(argument) })
  if (output.isJson) for (const conflict of conflicts) output.item(conflict, () => [])
  else if (conflicts.length === 0) output.note('No conflicts.')
  else {
    const rows = conflicts.map(({ path, label, version, writer, recordId }) => [printable(path), label, String(version), shortId(writer), recordId])
    output.result(undefined, () => formatTable([['path', 'state', 'version', 'writer', 'id'].map((cell) => output.dim(cell)), ...rows]))
  }
}
