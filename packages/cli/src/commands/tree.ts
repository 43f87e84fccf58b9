/** `tree`: a directory and what is below, drawn. */
import type { FileStatus } from '@blocktree/node/method-table'
import type { CommandContext } from '../command.ts'
import { formatCount, printable } from '../format.ts'
import { listDirectory } from '../list-directory.ts'
import type { NodeClient } from '../node-client.ts'
import { joinPath, treePath } from '../tree-path.ts'

interface Count {
  directories: number
  files: number
}

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const path = treePath(context.arguments[0] ?? '/')
  const node = await context.node()
  const depth = context.options.integer('depth', 1) ?? Number.POSITIVE_INFINITY
  const count: Count = { directories: 0, files: 0 }
  if (!output.isJson) output.item(undefined, () => [output.blue(printable(path))])
  await draw(context, node, path, '', depth, count)
  if (!output.isJson) {
    output.item(undefined, () => ['', `${formatCount(count.directories, 'directory', 'directories')}, ${formatCount(count.files, 'file')}`])
  }
}

async function draw(
  context: CommandContext,
  node: NodeClient,
  path: string,
  prefix: string,
  depth: number,
  count: Count
): Promise<void> {
  let held: FileStatus | undefined
  for await (const entry of listDirectory(node, path)) {
    if (held !== undefined) await drawEntry(context, node, path, prefix, depth, count, held, false)
    held = entry
  }
  if (held !== undefined) await drawEntry(context, node, path, prefix, depth, count, held, true)
}

async function drawEntry(
  context: CommandContext,
  node: NodeClient,
  directory: string,
  prefix: string,
  depth: number,
  count: Count,
  entry: FileStatus,
  isLast: boolean
): Promise<void> {
  const { output } = context
  const isDirectory = entry.kind === 'directory'
  if (isDirectory) count.directories++
  else count.files++
  output.item(entry, () => {
    const target = entry.target === undefined ? '' : ` -> ${printable(entry.target)}`
    const name = printable(entry.name)
    return [`${prefix}${isLast ? '└── ' : '├── '}${isDirectory ? output.blue(name) : name}${target}`]
  })
  if (!isDirectory || depth <= 1) return
  await draw(context, node, joinPath(directory, entry.name), `${prefix}${isLast ? '    ' : '│   '}`, depth - 1, count)
}
