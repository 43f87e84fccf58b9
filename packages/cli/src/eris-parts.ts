/** All contents behind one capability: itself and, of a directory, its files. */
import { type OpeningOptions, type ReadCapability, formatTreePath, openTree } from '@blocktree/eris'
import { isTree } from './eris-session.ts'

export interface ErisPart {
  /** Undefined for what the capability names itself. */
  readonly path: string | undefined
  readonly capability: ReadCapability
}

export async function* erisParts(
  reading: OpeningOptions,
  capability: ReadCapability
): AsyncGenerator<ErisPart> {
  yield { path: undefined, capability }
  if (!(await isTree(reading, capability))) return
  const { items } = await openTree(reading, capability)
  for (const { path, entry } of items) {
    if (entry.kind !== 'symlink') yield { path: formatTreePath(path), capability: entry.capability }
  }
}
