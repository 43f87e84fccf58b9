/** `ls`: a directory, or one file. */
import type { FileStatus } from '@blocktree/node/method-table'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatMode, formatTable, formatTime, printable } from '../format.ts'
import { listDirectory } from '../list-directory.ts'
import type { Output } from '../output.ts'
import { treePath } from '../tree-path.ts'

const rowsAtOnce = 1000 // columns are aligned within a block of rows, so that memory stays flat

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const path = treePath(context.arguments[0] ?? '/')
  const node = await context.node()
  const status = await node.call('file.stat', { path })
  const form: Form = { isLong: options.has('long'), withId: options.has('id') }
  if (status.kind !== 'directory') {
    output.item(status, () => formatRows(output, [status], form))
    return
  }
  let rows: FileStatus[] = []
  const flush = (): void => {
    if (output.isJson) for (const entry of rows) output.item(entry, () => [])
    else output.item(undefined, () => formatRows(output, rows, form))
    rows = []
  }
  for await (const entry of listDirectory(node, path)) {
    rows.push(entry)
    if (rows.length >= rowsAtOnce) flush()
  }
  if (rows.length > 0) flush()
}

interface Form {
  readonly isLong: boolean
  readonly withId: boolean
}

function formatRows(output: Output, entries: readonly FileStatus[], form: Form): readonly string[] {
  if (!form.isLong && !form.withId) return entries.map((entry) => shownName(output, entry))
  const rows = entries.map((entry) => {
    const long = form.isLong
      ? [
          formatMode(entry.kind, entry.mode) + (entry.isZone ? 'z' : ' '),
          entry.kind === 'directory' ? '-' : formatBytes(entry.size),
          formatTime(entry.modifiedMs)
        ]
      : []
    const marks = entry.flags.length === 0 ? '' : output.yellow(` (${entry.flags.join(', ')})`)
    return [...(form.withId ? [entry.id] : []), ...long, shownName(output, entry) + marks]
  })
  return formatTable(rows, form.isLong ? [form.withId ? 2 : 1] : [])
}

function shownName(output: Output, entry: FileStatus): string {
  const name = printable(entry.name === '' ? '/' : entry.name)
  if (entry.kind === 'directory') return output.blue(name === '/' ? name : `${name}/`)
  return entry.target === undefined ? name : `${name} -> ${printable(entry.target)}`
}
