/** What is published goes through a backup whole, and damage in that part of one is found. */
import { describe, expect, test } from 'vitest'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { type BlockStore, putBlocks } from '@blocktree/eris'
import { blockForTest } from '@blocktree/eris/conformance'
import { createMemoryStore } from '@blocktree/eris/memory'
import type { ArchiveItem } from '@blocktree/store/archive'
import { publishedItems, takePublished } from '../../src/eris/published-backup.ts'
import type { Publication } from '../../src/eris/publications.ts'

const kernel = chooseBlockKernel()
const publication: Publication = {
  urn: 'urn:eris:TEST',
  path: '/letter',
  kind: 'content',
  contentBytes: 5,
  publishedMs: 7
}

async function itemsOf(count: number): Promise<ArchiveItem[]> {
  const published = createMemoryStore()
  for (let seed = 0; seed < count; seed++)
    await published.put(blockForTest(seed, seed % 3 === 0 ? 32_768 : 1024))
  return await Array.fromAsync(publishedItems({ publications: [publication], published }))
}

/** As after the first note, which says what follows. */
async function* from(items: readonly ArchiveItem[]): AsyncGenerator<ArchiveItem> {
  yield* items.slice(1)
}

async function take(items: readonly ArchiveItem[], into: BlockStore): Promise<readonly Publication[]> {
  return await takePublished('file', from(items), kernel, (blocks) => putBlocks(into, blocks))
}

describe('what is published, in a backup', () => {
  test.each([0, 1, 300])('comes back with its %i blocks', async (count) => {
    const into = createMemoryStore()
    expect(await take(await itemsOf(count), into)).toEqual([publication])
    expect(await Array.fromAsync(into.list())).toHaveLength(count)
    if (count > 0) {
      const { reference, bytes } = blockForTest(0, 32_768)
      expect(await into.get({ reference, size: 32_768 })).toEqual(bytes)
    }
  })

  test('is refused without a block, without its end, with another item or another end', async () => {
    const items = await itemsOf(4)
    const note = (text: string): ArchiveItem => ({ kind: 'note', bytes: new TextEncoder().encode(text) })
    const sector = { reference: new Uint8Array(32), bytes: new Uint8Array(9) } as unknown
    const cases: (readonly ArchiveItem[])[] = [
      items.toSpliced(2, 1),
      items.slice(0, -1),
      items.toSpliced(2, 0, { kind: 'sector', sector } as ArchiveItem),
      [...items.slice(0, -1), note('{"published": [{"urn": 1}], "blocks": 4}')],
      [...items.slice(0, -1), note('{"published": "all", "blocks": 4}')],
      [...items.slice(0, -1), note('null')],
      [...items.slice(0, -1), note('{')]
    ]
    for (const damaged of cases)
      await expect(take(damaged, createMemoryStore())).rejects.toMatchObject({ code: 'ERR_BACKUP_CORRUPT' })
  })
})
