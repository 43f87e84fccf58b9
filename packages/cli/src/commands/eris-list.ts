/** `eris list`: the entries of a directory that was encoded. */
import { contentLength, formatTreePath, formatUrn, openTree } from '@blocktree/eris'
import type { CommandContext } from '../command.ts'
import { capabilityArgument, openErisSession } from '../eris-session.ts'
import { formatBytes } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const capability = capabilityArgument(context)
  await using session = await openErisSession(context)
  const { items } = await openTree(session.reading, capability)
  for (const { path, entry } of items) {
    const name = formatTreePath(path)
    if (entry.kind === 'symlink') {
      output.item({ path: name, kind: entry.kind, target: entry.target }, () => [
        `${name} -> ${entry.target}`
      ])
      continue
    }
    const urn = formatUrn(entry.capability)
    const contentBytes = options.has('long')
      ? await contentLength(session.reading, entry.capability)
      : undefined
    const mark = entry.kind === 'executable' ? '*' : ''
    output.item({ path: name, kind: entry.kind, urn, contentBytes }, () => [
      contentBytes === undefined
        ? `${name}${mark}`
        : `${formatBytes(contentBytes).padStart(10)}  ${name}${mark}  ${urn}`
    ])
  }
}
