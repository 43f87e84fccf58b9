/** `eris info`: what a capability says by itself, and what its store adds. */
import { ErisError, blockCountOf, contentLength, formatReference, formatUrn, openTree } from '@blocktree/eris'
import type { CommandContext } from '../command.ts'
import { capabilityArgument, isTree, openErisSession } from '../eris-session.ts'
import { formatBytes } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const capability = capabilityArgument(context)
  const { blockSize, level, rootReference } = capability
  const base = { urn: formatUrn(capability), blockSize, level, rootReference: formatReference(rootReference) }
  await using session = await openErisSession(context)
  const found = await (async () => {
    try {
      const contentBytes = await contentLength(session.reading, capability)
      const blockCount = blockCountOf(contentBytes, blockSize)
      if (!(await isTree(session.reading, capability))) return { kind: 'content', contentBytes, blockCount }
      const { items } = await openTree(session.reading, capability)
      return { kind: 'tree', contentBytes, blockCount, entries: items.length }
    } catch (error) {
      if (error instanceof ErisError && error.code === 'ERR_ERIS_BLOCK_MISSING') return undefined
      throw error
    }
  })()
  context.output.result({ ...base, ...found }, () => [
    base.urn,
    `blocks of ${blockSize === 1024 ? '1 KiB' : '32 KiB'}, root at level ${level}`,
    `root ${base.rootReference}`,
    found === undefined
      ? `not in ${session.store.name}`
      : `${found.kind === 'tree' ? `directory of ${found.entries ?? 0} entries, index of ` : ''}${formatBytes(found.contentBytes)}, ${found.blockCount} blocks`
  ])
}
