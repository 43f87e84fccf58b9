/** `eris decode`: content to a file, a folder or stdout. */
import {
  type ByteRange,
  type ReadCapability,
  contentLength,
  openTree,
  parseTreePath,
  readContent
} from '@blocktree/eris'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { capabilityArgument, type ErisSession, isTree, openErisSession } from '../eris-session.ts'
import { extractFile, extractTree } from '../extract-tree.ts'
import { formatBytes } from '../format.ts'
import { localPath } from '../local-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options } = context
  const named = capabilityArgument(context)
  const range = rangeOptions(context)
  await using session = await openErisSession(context)
  const path = options.text('path')
  const isWhole = range.start === undefined && range.end === undefined
  if (path === undefined && isWhole && (await isTree(session.reading, named))) {
    return await decodeTree(context, session, named)
  }
  const capability = path === undefined ? named : await fileIn(session, named, path)
  await decodeFile(context, session, capability, range)
}

async function fileIn({ reading }: ErisSession, tree: ReadCapability, path: string): Promise<ReadCapability> {
  const opened = await openTree(reading, tree)
  const entry = opened.find(parseTreePath(path))?.entry
  if (entry !== undefined && entry.kind !== 'symlink') return entry.capability
  throw new CliError(
    'ERR_ARGUMENT_VALUE',
    `there is no file "${path}" among the ${opened.items.length} entries`
  )
}

async function decodeFile(
  context: CommandContext,
  { reading }: ErisSession,
  capability: ReadCapability,
  range: ByteRange
): Promise<void> {
  const { output } = context
  const out = context.arguments[1] ?? '-'
  const content = readContent(reading, capability, range)
  if (out === '-') {
    for await (const bytes of content) await output.bytes(bytes)
    return
  }
  const total = range.end ?? (await contentLength(reading, capability))
  const bar = output.progress('decode')
  try {
    const contentBytes = await extractFile(content, localPath(context, out), (done) =>
      bar.update({ done, total: total - (range.start ?? 0), unit: 'bytes' })
    )
    output.result({ out, kind: 'content', contentBytes }, () => [`${out}  ${formatBytes(contentBytes)}`])
  } finally {
    bar.finish()
  }
}

async function decodeTree(
  context: CommandContext,
  { reading }: ErisSession,
  capability: ReadCapability
): Promise<void> {
  const { output } = context
  const out = context.arguments[1] ?? '-'
  if (out === '-')
    throw new CliError('ERR_ARGUMENT_VALUE', 'this is a directory: name a folder, or one file with --path')
  const bar = output.progress('decode')
  try {
    const tree = await openTree(reading, capability)
    const extracted = await extractTree(reading, tree, localPath(context, out), (done, text) =>
      bar.update({ done, unit: 'bytes', text })
    )
    output.result({ out, kind: 'tree', ...extracted }, () => [
      `${out}/  ${extracted.files} files, ${extracted.links} links, ${formatBytes(extracted.contentBytes)}`
    ])
  } finally {
    bar.finish()
  }
}

function rangeOptions({ options }: CommandContext): ByteRange {
  const start = options.integer('offset', 0)
  const length = options.integer('length', 0)
  return { start, end: length === undefined ? undefined : (start ?? 0) + length }
}
