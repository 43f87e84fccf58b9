/** `history`: versions, newest first. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatTable, formatTime, printable, shortId } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const limit = context.options.integer('limit', 1)
  const path = treePath(context.arguments[0] ?? '')
  const { versions } = await node.call('file.history', { path, ...(limit === undefined ? {} : { limit }) })
  if (output.isJson) {
    for (const version of versions) output.item(version, () => [])
    return
  }
  const rows = versions.map((version) => [
    `${version.version ?? '-'}${version.isCurrent ? '*' : ''}`,
    version.isDeleted ? output.red('deleted') : version.size === undefined ? '-' : formatBytes(version.size),
    formatTime(version.modifiedMs),
    version.label,
    shortId(version.writer),
    version.versionId,
    printable(version.name ?? '')
  ])
  const head = ['version', 'size', 'modified', 'state', 'writer', 'id', 'name'].map((cell) =>
    output.dim(cell)
  )
  output.result(undefined, () => formatTable([head, ...rows], [1]))
}
