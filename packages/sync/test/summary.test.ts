/** The summary trie: the same roots as the tries of checkpoints, whatever changed in which order. */
import { compareBytes } from '@blocktree/codec'
import { trieRoot } from '@blocktree/tree'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Summary } from '../src/summary.ts'
import { type TrieRow, childPath, emptyNode, isBelow, nodeOfRows, rangeOfPath } from '../src/trie-node.ts'
import { crypto } from './tree-fixture.ts'

/** Keys that often share many nibbles. */
const keys = fc
  .array(
    fc.tuple(fc.constantFrom(0, 1, 0x10, 0xff), fc.constantFrom(0, 0x0f, 0xf0), fc.nat(3), fc.nat(255)),
    { maxLength: 60 }
  )
  .map((all) => {
    const unique = new Map(all.map((bytes) => [bytes.join(), Uint8Array.of(...bytes, ...new Uint8Array(28))]))
    return [...unique.values()]
  })

function rowsOf(held: Iterable<Uint8Array>): TrieRow[] {
  return [...held]
    .map((key) => ({ key, value: crypto.sha256(key) }))
    .toSorted((left, right) => compareBytes(left.key, right.key))
}

function summaryOver(held: Map<string, Uint8Array>): Summary<TrieRow> {
  return new Summary(crypto, ({ from, to }) =>
    rowsOf(held.values()).filter(
      ({ key }) => compareBytes(key, from) >= 0 && (to === undefined || compareBytes(key, to) < 0)
    )
  )
}

const top = new Uint8Array(0)

describe('Summary', () => {
  test('has the root of the trie of checkpoints, after any changes', async () => {
    await fc.assert(
      fc.asyncProperty(keys, keys, fc.boolean(), async (before, changed, asksBetween) => {
        const held = new Map(before.map((key) => [key.toHex(), key]))
        const summary = summaryOver(held)
        await summary.node(top)
        for (const key of changed) {
          if (!held.delete(key.toHex())) held.set(key.toHex(), key)
          summary.mark(key)
          if (asksBetween) await summary.node(top)
        }
        const { hash, count } = await summary.node(top)
        const expected = trieRoot(
          crypto,
          rowsOf(held.values()).map(({ key, value }) => [key, value] as const)
        )
        expect(hash.toHex()).toBe(expected.toHex())
        expect(count).toBe(held.size)
      }),
      { numRuns: 60 }
    )
  })

  test('a node is worked out from its children at every depth', async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (all) => {
        const summary = summaryOver(new Map(all.map((key) => [key.toHex(), key])))
        const open: Uint8Array[] = [top]
        for (let path = open.pop(); path !== undefined; path = open.pop()) {
          const node = await summary.node(path)
          const rows = await summary.rows(path)
          expect(node.hash.toHex()).toBe(nodeOfRows(crypto, rows, path.length).hash.toHex())
          const children = await summary.children(path)
          expect(children.reduce((sum, { count }) => sum + count, 0)).toBe(node.count)
          for (const [nibble, { count }] of children.entries())
            if (count > 1 && path.length < 8) open.push(childPath(path, nibble))
        }
      }),
      { numRuns: 30 }
    )
  })

  test('saved nodes serve another summary over the same rows', async () => {
    const held = new Map(
      Array.from({ length: 500 }, (_, index) => crypto.sha256(Uint8Array.of(index & 255, index >> 8))).map(
        (key) => [key.toHex(), key]
      )
    )
    const first = summaryOver(held)
    const root = await first.node(top)
    const saved = first
      .unsaved()
      .flatMap(({ chunk, bytes }) => (bytes === undefined ? [] : [{ chunk, bytes }]))
    let reads = 0
    const second = new Summary<TrieRow>(crypto, () => {
      reads++
      return []
    })
    second.load(saved)
    expect((await second.node(top)).hash.toHex()).toBe(root.hash.toHex())
    expect(reads).toBe(0)
    expect(first.unsaved()).toHaveLength(0)
  })

  test('an empty one is zero', async () => {
    expect(await summaryOver(new Map()).node(top)).toEqual(emptyNode)
  })
})

describe('rangeOfPath', () => {
  test('holds exactly the keys below the place', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(fc.nat(15), { maxLength: 8 }),
        (key, nibbles) => {
          const path = Uint8Array.from(nibbles)
          const { from, to } = rangeOfPath(path)
          const isInside = compareBytes(key, from) >= 0 && (to === undefined || compareBytes(key, to) < 0)
          expect(isInside).toBe(isBelow(key, path))
        }
      ),
      { numRuns: 300 }
    )
  })
})
