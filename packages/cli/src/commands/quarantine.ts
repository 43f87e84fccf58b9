/** `quarantine`: versions that were set aside because the right of their writer was taken back. */
import type { CommandContext } from '../command.ts'
import { formatTable, printable } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const [path] = context.arguments
  const { blocks } = await node.call('access.quarantine', path === undefined ? {} : { path: treePath(path) })
  if (output.isJson) for (const block of blocks) output.item(block, () => [])
  else if (blocks.length === 0) output.note('Nothing is set aside.')
  else {
    const rows = blocks.flatMap(({ id, path: found, versions }) =>
      versions.map(({ versionId, writer }) => [printable(found ?? '?'), writer, id, versionId])
    )
    const head = ['path', 'writer', 'block', 'version'].map((cell) => output.dim(cell))
    output.result(undefined, () => formatTable([head, ...rows], []))
  }
}
