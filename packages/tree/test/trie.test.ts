import { compareBytes } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as tree from '../src/index.ts'
import { codeOf, crypto, seededRandom } from './format-fixture.ts'

type Row = readonly [Uint8Array, Uint8Array]

/** Keys that often share long prefixes, sorted, without duplicates. */
const rowSets: fc.Arbitrary<readonly Row[]> = fc
  .array(
    fc.tuple(fc.array(fc.constantFrom(0, 1, 16, 255), { maxLength: 4 }), fc.uint8Array({ maxLength: 8 })),
    {
      maxLength: 24
    }
  )
  .map((rows) => {
    const byKey = new Map(
      rows.map(([prefix, value]): [string, Row] => {
        const key = new Uint8Array(32)
        key.set(prefix)
        return [key.toHex(), [key, value]]
      })
    )
    return [...byKey.values()].toSorted(([left], [right]) => compareBytes(left, right))
  })

/** The definition of B.11, recursively and without any cleverness: the oracle. */
function definition(rows: readonly Row[], depth: number): Uint8Array {
  const [first] = rows
  if (first === undefined) return new Uint8Array(32)
  if (rows.length === 1) return crypto.sha256Parts([Uint8Array.of(0), ...first])
  let bitmap = 0
  const children: Uint8Array[] = []
  for (let nibble = 0; nibble < 16; nibble++) {
    const below = rows.filter(
      ([key]) => (((key[depth >> 1] ?? 0) >> (depth % 2 === 0 ? 4 : 0)) & 15) === nibble
    )
    if (below.length === 0) continue
    bitmap |= 1 << nibble
    children.push(definition(below, depth + 1))
  }
  return crypto.sha256Parts([Uint8Array.of(1, bitmap >> 8, bitmap & 255), ...children])
}

describe('trieRoot', () => {
  test('equals the definition for any set of rows', () => {
    fc.assert(
      fc.property(rowSets, (rows) => {
        expect(tree.trieRoot(crypto, rows)).toEqual(definition(rows, 0))
      }),
      { numRuns: process.env['SLOW'] === undefined ? 200 : 5000 }
    )
  })

  test('is 32 zero bytes for no rows', () => {
    expect(tree.trieRoot(crypto, [])).toEqual(new Uint8Array(32))
  })

  test('refuses rows out of order, keys twice and keys of another length', () => {
    const one = new Uint8Array(32).fill(1)
    const two = new Uint8Array(32).fill(2)
    expect(codeOf(() => tree.idSetRoot(crypto, [one, two]))).toBe('nothing was thrown')
    expect(codeOf(() => tree.idSetRoot(crypto, [two, one]))).toBe('ERR_TRIE_ORDER')
    expect(codeOf(() => tree.idSetRoot(crypto, [one, one]))).toBe('ERR_TRIE_ORDER')
    expect(codeOf(() => tree.idSetRoot(crypto, [one.subarray(1)]))).toBe('ERR_TRIE_ORDER')
  })
})

describe('a trie proof', () => {
  test('shows the value of a key that is there and the absence of one that is not', () => {
    fc.assert(
      fc.property(rowSets, fc.nat(), fc.constantFrom(0, 1, 2, 16, 255), (rows, at, last) => {
        const root = tree.trieRoot(crypto, rows)
        const present = rows[at % Math.max(1, rows.length)]
        if (present !== undefined) {
          const proof = tree.proveTrieKey(crypto, rows, present[0])
          expect(tree.verifyTrieProof(crypto, root, present[0], proof)).toEqual(present[1])
        }
        const key = (present?.[0] ?? new Uint8Array(32)).slice()
        key[4] = last
        const proof = tree.proveTrieKey(crypto, rows, key)
        const held = rows.find(([other]) => compareBytes(other, key) === 0)
        expect(tree.verifyTrieProof(crypto, root, key, proof)).toEqual(held?.[1])
      }),
      { numRuns: process.env['SLOW'] === undefined ? 200 : 5000 }
    )
  })

  test('is refused for another root, another value, and when a part is missing', () => {
    const random = seededRandom('trie')
    const keys = Array.from({ length: 40 }, () => random.bytes(32)).toSorted(compareBytes)
    const rows = keys.map((key): Row => [key, key.subarray(0, 4)])
    const root = tree.trieRoot(crypto, rows)
    const key = keys[7] ?? new Uint8Array(32)
    const proof = tree.proveTrieKey(crypto, rows, key)
    const verify = (changed: tree.TrieProof, under = root): string =>
      codeOf(() => tree.verifyTrieProof(crypto, under, key, changed))
    expect(verify(proof)).toBe('nothing was thrown')
    expect(verify(proof, key)).toBe('ERR_TRIE_PROOF')
    expect(verify({ ...proof, leaf: { key, value: key } })).toBe('ERR_TRIE_PROOF')
    expect(verify({ ...proof, leaf: undefined })).toBe('ERR_TRIE_PROOF')
    expect(verify({ ...proof, leaf: { key: keys[30] ?? key, value: key } })).toBe('ERR_TRIE_PROOF')
    expect(verify({ ...proof, steps: proof.steps.slice(1) })).toBe('ERR_TRIE_PROOF')
    expect(
      verify({ ...proof, steps: proof.steps.map((step) => ({ ...step, bitmap: step.bitmap ^ 1 })) })
    ).toBe('ERR_TRIE_PROOF')
    expect(verify({ ...proof, steps: proof.steps.map((step) => ({ ...step, siblings: [] })) })).toBe(
      'ERR_TRIE_PROOF'
    )
  })
})

describe('a manifest', () => {
  const random = seededRandom('manifest')
  const directories = [new Uint8Array(32), random.bytes(32), random.bytes(32)].toSorted(compareBytes)
  const rows: readonly tree.ManifestRow[] = Array.from({ length: 200 }, (_, index) => ({
    directory: directories[index % 3] ?? new Uint8Array(32),
    block: random.bytes(32),
    heads: Array.from({ length: 1 + (index % 4) }, (_unused, version) => ({
      id: random.bytes(32),
      version: version + 1
    })).toSorted((left, right) => compareBytes(left.id, right.id))
  })).toSorted(tree.compareRows)
  const bytes = new Uint8Array(Buffer.concat(rows.map(tree.encodeManifestRow)))

  function decode(chunks: readonly Uint8Array[]): readonly tree.ManifestRow[] {
    const decoder = new tree.ManifestDecoder()
    return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.finish()]
  }

  test('decodes from chunks of any size', () => {
    for (const size of [1, 7, 100, 4096, bytes.length]) {
      const chunks: Uint8Array[] = []
      for (let offset = 0; offset < bytes.length; offset += size)
        chunks.push(bytes.subarray(offset, offset + size))
      expect(decode(chunks)).toEqual(rows)
    }
  })

  test('refuses a row that is cut, out of order or twice, and a grave in a directory', () => {
    const [first, second] = rows.map(tree.encodeManifestRow)
    if (first === undefined || second === undefined) throw new Error('there are rows')
    expect(codeOf(() => decode([first, second]))).toBe('nothing was thrown')
    expect(codeOf(() => decode([first.subarray(0, -1)]))).toBe('ERR_MANIFEST_FORMAT')
    expect(codeOf(() => decode([second, first]))).toBe('ERR_MANIFEST_FORMAT')
    expect(codeOf(() => decode([first, first]))).toBe('ERR_MANIFEST_FORMAT')
    const [row] = rows
    if (row === undefined) throw new Error('there are rows')
    expect(
      codeOf(() =>
        decode([tree.encodeManifestRow({ ...row, directory: new Uint8Array(32).fill(1), heads: [] })])
      )
    ).toBe('ERR_MANIFEST_FORMAT')
    const twice = [row.heads[0], row.heads[0]].filter((head) => head !== undefined)
    expect(codeOf(() => decode([tree.encodeManifestRow({ ...row, heads: twice })]))).toBe(
      'ERR_MANIFEST_FORMAT'
    )
  })

  test('A17: writes an effective version above 2^40 as 2^40, so that every reader takes the row', () => {
    const [row] = rows
    if (row === undefined) throw new Error('there is a row')
    const heads = [{ id: crypto.sha256(row.block), version: 2 ** 40 + 1 }]
    const decoder = new tree.ManifestDecoder()
    const read = [...decoder.push(tree.encodeManifestRow({ ...row, heads })), ...decoder.finish()]
    expect(read[0]?.heads[0]?.version).toBe(2 ** 40)
  })

  test('gives the root of a trie of directories over tries of blocks', () => {
    const builder = new tree.HeadsRootBuilder(crypto)
    for (const row of rows) builder.add(row)
    const outer = directories.map((directory): Row => {
      const inside = rows.filter((row) => compareBytes(row.directory, directory) === 0)
      const values = inside.map((row): Row => [row.block, tree.headsValue(crypto, row.heads)])
      return [directory, definition(values, 0)]
    })
    expect(builder.finish()).toMatchObject({ headsRoot: definition(outer, 0), blocks: 200 })
  })

  test('A54: gives another root for any other set of rows', () => {
    const rootOf = (some: readonly tree.ManifestRow[]): string => {
      const builder = new tree.HeadsRootBuilder(crypto)
      for (const row of some) builder.add(row)
      return builder.finish().headsRoot.toHex()
    }
    const roots = rows.map((_, index) => rootOf(rows.toSpliced(index, 1)))
    expect(new Set([...roots, rootOf(rows)]).size).toBe(rows.length + 1)
  })
})
