import { beforeAll, describe, expect, test } from 'vitest'
import { createMemoryIndex } from '@blocktree/store/memory-index'
import type { IndexRow } from '@blocktree/tree'
import { checkRows } from '../src/row-check.ts'
import { clock, crypto, firstImage, nextProcess } from './crash/crash-world.ts'
import type { Image } from './crash/memory-machine.ts'

let image: Image

beforeAll(async () => {
  image = await firstImage()
})

/** What a check says after the rows of an index were changed behind the back of the tree. */
async function problemsAfter(
  change: (rows: readonly IndexRow[]) => readonly IndexRow[]
): Promise<readonly string[]> {
  const world = await nextProcess(image, 'rows')
  const { store, tree, files, owner } = world
  const rows: IndexRow[] = []
  for await (const [key, value] of store.index.range({ from: Uint8Array.of(0), to: Uint8Array.of(0xff) }))
    rows.push({ key, value })
  const changed = change(rows)
  if (changed.length > 0) await store.commit({ rows: changed })
  const found = await checkRows({
    store,
    tree,
    files,
    crypto,
    clock,
    actor: owner,
    scratch: createMemoryIndex()
  })
  return found.map(({ problem }) => problem)
}

const of =
  (letter: string) =>
  (row: IndexRow): boolean =>
    row.key[0] === letter.charCodeAt(0)

describe('checkRows', () => {
  test('finds nothing in a sound index', async () => {
    expect(await problemsAfter(() => [])).toEqual([])
  })

  test.each(['a', 'b', 'c', 'd', 'n', 's', 'w', 'z'])('finds that a row "%s" is missing', async (letter) => {
    const found = await problemsAfter((rows) =>
      rows
        .filter(of(letter))
        .slice(0, 1)
        .map(({ key }) => ({ key, value: undefined }))
    )
    expect(found.length).toBeGreaterThan(0)
  })

  test('finds a wrong count, and a row that nothing makes', async () => {
    const wrong = await problemsAfter((rows) =>
      rows
        .filter(of('d'))
        .slice(0, 1)
        .map(({ key }) => ({ key, value: new Uint8Array(6).fill(1) }))
    )
    expect(wrong).toContain('the index row of the count of a directory says something else than the records')
    const tooMany = await problemsAfter((rows) =>
      rows.filter(of('x')).length === 0
        ? [{ key: Uint8Array.of(0x78, ...new Uint8Array(32)), value: new Uint8Array(0) }]
        : []
    )
    expect(tooMany).toEqual(['the index row of a conflict is there although nothing in the records makes it'])
  })

  test('finds a name that leads to another block', async () => {
    const found = await problemsAfter((rows) => {
      const [first, second] = rows.filter(of('n'))
      return first === undefined || second === undefined ? [] : [{ key: first.key, value: second.value }]
    })
    expect(found).toContain(
      'the index row of a name in a directory lists a block that does not have that name'
    )
  })
})
