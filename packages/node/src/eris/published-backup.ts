/**
 * What is published, as the last part of a backup (doc/spec/13-configuration.md, section 8): the blocks themselves, since
 * content with a secret of its own cannot be encoded again. The cache is left out: others have what lies in it.
 */
import { type Block, type BlockStore, type Hashing, isBlockSize, nameBlock } from '@blocktree/eris'
import type { ArchiveItem } from '@blocktree/store/archive'
import { corrupt } from '../backup-format.ts'
import type { NodeContent } from './node-content.ts'
import { type Publication, isPublication } from './publications.ts'

type PublishedContent = Pick<NodeContent, 'publications'> & { readonly published: BlockStore }

/** What is published the whole time while it runs is in it, with all its blocks. */
export async function* publishedItems(content: PublishedContent): AsyncGenerator<ArchiveItem> {
  const before = new Set(content.publications.map(({ urn }) => urn))
  yield note({ part: 'published' })
  let blocks = 0
  for await (const request of content.published.list()) {
    const bytes = await content.published.get(request)
    if (bytes === undefined) continue // unpublished meanwhile
    blocks++
    yield { kind: 'note', bytes }
  }
  yield note({ published: content.publications.filter(({ urn }) => before.has(urn)), blocks })
}

/** Blocks are named anew by their bytes, so a backup cannot put a wrong one into the store. @throws ERR_BACKUP_CORRUPT */
export async function takePublished(
  file: string,
  items: AsyncGenerator<ArchiveItem>,
  kernel: Hashing,
  put: (blocks: readonly Block[]) => Promise<void>
): Promise<readonly Publication[]> {
  let blocks = 0
  let batch: Block[] = []
  for (let next = await items.next(); next.done !== true; next = await items.next()) {
    if (next.value.kind !== 'note') break
    const { bytes } = next.value
    if (!isBlockSize(bytes.length)) {
      await put(batch)
      return readTail(file, bytes, blocks)
    }
    blocks++
    batch.push(nameBlock(kernel, bytes.slice()))
    if (batch.length < batchMax) continue
    await put(batch)
    batch = []
  }
  throw corrupt(file, 'the end of what was published is missing')
}

const batchMax = 128 // 4 MiB of large blocks

function readTail(file: string, bytes: Uint8Array, count: number): readonly Publication[] {
  const tail = parse(bytes)
  if (tail?.['blocks'] !== count) throw corrupt(file, 'blocks of what was published are missing')
  const { published } = tail
  if (Array.isArray(published) && published.every(isPublication)) return published
  throw corrupt(file, 'the list of what was published is damaged')
}

function parse(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** Never as long as a block: spaces are no change to JSON. */
function note(value: unknown): ArchiveItem {
  const text = JSON.stringify(value)
  const { length } = new TextEncoder().encode(text)
  return { kind: 'note', bytes: new TextEncoder().encode(isBlockSize(length) ? `${text} ` : text) }
}
