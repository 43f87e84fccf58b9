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

/** What stays the same while a tree is drawn. */
interface Drawing {
  readonly context: CommandContext
  readonly node: NodeClient
  readonly count: Count
}

/** A directory that is drawn: the lines before its entries begin with `prefix`. */
interface Branch {
  readonly path: string
  readonly prefix: string
  /** Levels still to draw. */
  readonly depth: number
}

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const path = treePath(context.arguments[0] ?? '/')
  const node = await context.node()
  const depth = context.options.integer('depth', 1) ?? Number.POSITIVE_INFINITY
  const count: Count = { directories: 0, files: 0 }
  if (!output.isJson) output.item(undefined, () => [output.blue(printable(path))])
  await draw({ context, node, count }, { path, prefix: '', depth })
  if (!output.isJson) {
    const directories = formatCount(count.directories, 'directory', 'directories')
    output.item(undefined, () => ['', `${directories}, ${formatCount(count.files, 'file')}`])
  }
}

/** One entry is held back, since the last one is drawn differently. */
async function draw(drawing: Drawing, branch: Branch): Promise<void> {
  let held: FileStatus | undefined
  for await (const entry of listDirectory(drawing.node, branch.path)) {
    if (held !== undefined) await drawEntry(drawing, branch, held, false)
    held = entry
  }
  if (held !== undefined) await drawEntry(drawing, branch, held, true)
}

async function drawEntry(
  drawing: Drawing,
  branch: Branch,
  entry: FileStatus,
  isLast: boolean
): Promise<void> {
  const { output } = drawing.context
  const { path, prefix, depth } = branch
  const isDirectory = entry.kind === 'directory'
  if (isDirectory) drawing.count.directories++
  else drawing.count.files++
  output.item(entry, () => {
    const target = entry.target === undefined ? '' : ` -> ${printable(entry.target)}`
    const name = printable(entry.name)
    return [`${prefix}${isLast ? '└── ' : '├── '}${isDirectory ? output.blue(name) : name}${target}`]
  })
  if (!isDirectory || depth <= 1) return
  await draw(drawing, {
    path: joinPath(path, entry.name),
    prefix: `${prefix}${isLast ? '    ' : '│   '}`,
    depth: depth - 1
  })
}
