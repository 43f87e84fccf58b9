/** `conflicts show`: the versions of one conflict, with who wrote them and when. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatTable, formatTime, printable, shortId } from '../format.ts'
import { namedConflict } from '../named-conflict.ts'

const competing: ReadonlySet<string> = new Set([
  'winner',
  'head',
  'late',
  'pending',
  'quarantine',
  'uncounted'
])

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const conflict = await namedConflict(node, context.arguments[0] ?? '')
  const path = conflict.treeId === undefined ? '/' : `/${conflict.treeId}`
  const { versions } = await node.call('file.history', { path, block: conflict.id })
  const shown = versions.filter(({ label }) => competing.has(label))
  output.result({ ...conflict, versions: shown }, () => [
    conflict.isShown
      ? printable(conflict.path ?? conflict.id)
      : `${printable(conflict.path ?? conflict.id)}  removed for good, or not shown; its id is ${conflict.id}`,
    ...formatTable(
      [
        ['version', 'state', 'size', 'modified', 'writer'].map((cell) => output.dim(cell)),
        ...shown.map(({ versionId, label, isDeleted, size, modifiedMs, writer }) => [
          versionId,
          isDeleted ? `${label}, deleted` : label,
          size === undefined ? '-' : formatBytes(size),
          formatTime(modifiedMs),
          shortId(writer)
        ])
      ],
      [2]
    )
  ])
  const name = conflict.isShown ? (conflict.path ?? conflict.id) : conflict.id
  output.note(
    conflict.isShown
      ? `"blocktree resolve ${name}" keeps the shown version, with --keep VERSION another one.`
      : `"blocktree resolve ${name} --keep VERSION" brings one back as a new file, --drop gives all of them up.`
  )
}
