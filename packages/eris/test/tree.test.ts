import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { Tagged, encode } from 'cborg'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Block } from '../src/block.ts'
import { encodeCbor } from '../src/cbor.ts'
import { readWhole } from '../src/content.ts'
import { nullSecret } from '../src/convergence-secret.ts'
import { encodeContent } from '../src/encoder.ts'
import { ErisError } from '../src/eris-error.ts'
import { type MemoryStore, createMemoryStore } from '../src/memory-store.ts'
import { type ReadCapability, encodeCapability, formatUrn, parseUrn } from '../src/read-capability.ts'
import { putBlocks } from '../src/store-port.ts'
import { type TreeIndexItem, beginsTreeIndex, decodeTreeIndex, encodeTreeIndex } from '../src/tree-index.ts'
import { escapingLinks } from '../src/tree-links.ts'
import { type TreePath, formatTreePath, parseTreePath, toTreePath } from '../src/tree-path.ts'
import { type TreeSource, encodeTree, openTree } from '../src/tree.ts'

const kernel = chooseBlockKernel()
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const capability: ReadCapability = parseUrn(
  'urn:eris:BIADFUKDPYKJNLGCVSIIDI3FVKND7MO5AGOCXBK2C4ITT5MAL4LSCZF62B4PDOFQCLLNL7AXXSJFGINUYXVGVTDCQ2V7S7W5S234WFXCJ4'
)
const file = (path: string): TreeIndexItem => ({
  path: parseTreePath(path),
  entry: { kind: 'file', capability }
})
const link = (path: string, target: string): TreeIndexItem => ({
  path: parseTreePath(path),
  entry: { kind: 'symlink', target }
})
const refused = (code: string): unknown => expect.objectContaining({ code })

describe('encodeTree and openTree', () => {
  const store: MemoryStore = createMemoryStore()
  const put = (blocks: readonly Block[]): Promise<void> => putBlocks(store, blocks)
  const long = new Uint8Array(100_000).fill(3)
  const sources: TreeSource[] = [
    { path: parseTreePath('readme'), kind: 'file', contentBytes: 5, content: [bytesOf('hello')] },
    { path: parseTreePath('bin/run'), kind: 'executable', contentBytes: 100_000, content: [long] },
    { path: parseTreePath('bin/copy'), kind: 'file', contentBytes: 100_000, content: [long] },
    { path: parseTreePath('latest'), kind: 'symlink', target: 'bin/run' }
  ]

  test('bring back every file, kind and link', async () => {
    const encoded = await encodeTree({ kernel, secret: nullSecret(), put }, sources)
    const tree = await openTree({ kernel, store }, encoded.capability)
    expect(tree.items.map(({ path }) => formatTreePath(path)).sort()).toEqual([
      'bin/copy',
      'bin/run',
      'latest',
      'readme'
    ])
    const run = tree.find(parseTreePath('bin/run'))?.entry
    expect(run?.kind).toBe('executable')
    if (run === undefined || run.kind === 'symlink') throw new Error('not a file')
    const part = await readWhole({ kernel, store }, run.capability, 100, { start: 99_990 })
    expect(part).toEqual(new Uint8Array(10).fill(3))
    expect(tree.find(parseTreePath('latest'))?.entry).toEqual({ kind: 'symlink', target: 'bin/run' })
    expect(tree.find(parseTreePath('bin'))).toBeUndefined()
    expect(encoded.contentBytes).toBe(200_005)
  })

  test('store equal files once', async () => {
    const once = createMemoryStore()
    const encoded = await encodeTree(
      { kernel, secret: nullSecret(), put: (blocks) => putBlocks(once, blocks) },
      sources
    )
    expect(encoded.blockCount).toBe(1 + 5 + 5 + 1)
    expect(once.blockCount).toBe(1 + 3 + 1) // of the long file: one leaf of threes, the last, their node
  })

  test('give one URN in whatever order the files come', async () => {
    const options = { kernel, secret: nullSecret(), put }
    const one = await encodeTree(options, sources)
    const two = await encodeTree(options, sources.toReversed())
    expect(formatUrn(one.capability)).toBe(formatUrn(two.capability))
  })

  test('refuse content that is no index', async () => {
    const encoded = await encodeContent({ kernel, blockSize: 1024, secret: nullSecret(), put }, [
      bytesOf('hello')
    ])
    await expect(openTree({ kernel, store }, encoded.capability)).rejects.toMatchObject({
      code: 'ERR_ERIS_TREE'
    })
  })
})

describe('encodeTreeIndex and decodeTreeIndex', () => {
  test('write what the companion document says, byte for byte', () => {
    const bytes = encodeTreeIndex([link('b', 'a'), file('a')])
    const hex =
      'da65726974' + // the tag
      '8201a2' + // version 1 and two entries
      '8161618200' + // ["a"] => [0,
      'd901145842' + // 276(66 bytes)
      encodeCapability(capability).toHex() +
      '816162' + // ["b"] =>
      '82026161' // [2, "a"]
    expect(bytes.toHex()).toBe(hex)
    expect(beginsTreeIndex(bytes)).toBe(true)
    expect(beginsTreeIndex(bytes.subarray(1))).toBe(false)
    expect(decodeTreeIndex(bytes)).toEqual([file('a'), link('b', 'a')])
  })

  test('sort paths by their encoding: shorter arrays and names first', () => {
    const paths = ['b', 'a/z', 'aa', 'a/b/c', 'a0']
    const sorted = decodeTreeIndex(encodeTreeIndex(paths.map(file))).map(({ path }) => formatTreePath(path))
    expect(sorted).toEqual(['b', 'a0', 'aa', 'a/z', 'a/b/c'])
  })

  test('read paths that are text, as other programs write them', () => {
    const entry = [0, new Tagged(276, encodeCapability(capability))]
    const bytes = encode(new Tagged(1_701_996_916, [1, new Map([['dir/file', entry]])]))
    expect(decodeTreeIndex(bytes)).toEqual([file('dir/file')])
  })

  const head = encodeCbor([{ tag: 1_701_996_916 }, { array: 2 }, 1])
  const capabilityBytes = encodeCapability(capability)
  const entryItems = [{ array: 2 }, 0, { tag: 276 }, capabilityBytes]
  const indexOf = (...items: Parameters<typeof encodeCbor>[0][number][]): Uint8Array =>
    Uint8Array.of(...head, ...encodeCbor(items))
  test.for<[string, string, Uint8Array]>([
    ['nothing', 'ERR_ERIS_TREE', new Uint8Array(0)],
    ['another tag', 'ERR_ERIS_TREE', encodeCbor([{ tag: 5 }, { array: 2 }, 1, { map: 0 }])],
    ['another version', 'ERR_ERIS_TREE', encodeCbor([{ tag: 1_701_996_916 }, { array: 2 }, 2, { map: 0 }])],
    ['a third item', 'ERR_ERIS_TREE', encodeCbor([{ tag: 1_701_996_916 }, { array: 3 }, 1, { map: 0 }, 0])],
    ['bytes behind it', 'ERR_ERIS_TREE', indexOf({ map: 0 }, 0)],
    ['a count that is too high', 'ERR_ERIS_TREE', indexOf({ map: 2 }, { array: 1 }, 'a', ...entryItems)],
    ['a count of billions', 'ERR_ERIS_TREE', indexOf({ map: 2 ** 40 })],
    [
      'an entry of a kind that is not known',
      'ERR_ERIS_TREE',
      indexOf({ map: 1 }, { array: 1 }, 'a', { array: 2 }, 3, 'x')
    ],
    [
      'an entry without a tag',
      'ERR_ERIS_TREE',
      indexOf({ map: 1 }, { array: 1 }, 'a', { array: 2 }, 0, capabilityBytes)
    ],
    [
      'a capability cut short',
      'ERR_ERIS_CAPABILITY',
      indexOf({ map: 1 }, { array: 1 }, 'a', { array: 2 }, 0, { tag: 276 }, capabilityBytes.slice(1))
    ],
    [
      'a capability of level 255',
      'ERR_ERIS_LEVEL',
      indexOf({ map: 1 }, { array: 1 }, 'a', { array: 2 }, 0, { tag: 276 }, capabilityBytes.with(1, 255))
    ],
    [
      'the same path twice',
      'ERR_ERIS_TREE',
      indexOf({ map: 2 }, { array: 1 }, 'a', ...entryItems, { array: 1 }, 'a', ...entryItems)
    ],
    [
      'the same path as array and as text',
      'ERR_ERIS_TREE',
      indexOf({ map: 2 }, { array: 2 }, 'a', 'b', ...entryItems, 'a/b', ...entryItems)
    ],
    [
      'a file used as a directory',
      'ERR_ERIS_TREE',
      indexOf({ map: 2 }, { array: 1 }, 'a', ...entryItems, { array: 2 }, 'a', 'b', ...entryItems)
    ],
    [
      'a link used as a directory',
      'ERR_ERIS_TREE',
      indexOf(
        { map: 2 },
        { array: 1 },
        'a',
        { array: 2 },
        2,
        '/etc',
        { array: 2 },
        'a',
        'passwd',
        ...entryItems
      )
    ],
    ['an absolute path', 'ERR_ERIS_TREE_PATH', indexOf({ map: 1 }, '/etc/passwd', ...entryItems)],
    ['a name with a slash', 'ERR_ERIS_TREE_PATH', indexOf({ map: 1 }, { array: 1 }, '/etc', ...entryItems)],
    ['".."', 'ERR_ERIS_TREE_PATH', indexOf({ map: 1 }, { array: 2 }, 'a', '..', ...entryItems)],
    ['".." in text', 'ERR_ERIS_TREE_PATH', indexOf({ map: 1 }, '../a', ...entryItems)],
    ['"."', 'ERR_ERIS_TREE_PATH', indexOf({ map: 1 }, { array: 1 }, '.', ...entryItems)],
    ['an empty name', 'ERR_ERIS_TREE_PATH', indexOf({ map: 1 }, 'a//b', ...entryItems)],
    ['an empty path', 'ERR_ERIS_TREE_PATH', indexOf({ map: 1 }, { array: 0 }, ...entryItems)],
    ['NUL in a name', 'ERR_ERIS_TREE_PATH', indexOf({ map: 1 }, { array: 1 }, 'a\0', ...entryItems)],
    [
      'a name of 256 bytes',
      'ERR_ERIS_TREE_PATH',
      indexOf({ map: 1 }, { array: 1 }, 'a'.repeat(256), ...entryItems)
    ],
    [
      '129 names',
      'ERR_ERIS_TREE_PATH',
      indexOf({ map: 1 }, { array: 129 }, ...Array.from({ length: 129 }, () => 'a'), ...entryItems)
    ],
    ['a number as path', 'ERR_ERIS_TREE', indexOf({ map: 1 }, 5, ...entryItems)],
    ['a link without a target', 'ERR_ERIS_TREE', indexOf({ map: 1 }, { array: 1 }, 'a', { array: 2 }, 2, '')],
    ['a link with NUL', 'ERR_ERIS_TREE', indexOf({ map: 1 }, { array: 1 }, 'a', { array: 2 }, 2, 'x\0')]
  ])('refuse %s', ([, code, bytes]) => {
    expect(() => decodeTreeIndex(bytes)).toThrow(refused(code))
  })

  test('refuse a name that is not UTF-8, and a number that is not in its shortest form', () => {
    const bytes = encodeTreeIndex([file('ab')])
    const at = bytes.toHex().indexOf('6261') / 2 + 1 // behind the header of "ab"
    expect(() => decodeTreeIndex(bytes.with(at, 0xc3))).toThrow(refused('ERR_ERIS_TREE'))
    const longer = Uint8Array.of(...bytes.subarray(0, 6), 0x18, 1, ...bytes.subarray(7))
    expect(() => decodeTreeIndex(longer)).toThrow(refused('ERR_ERIS_TREE'))
  })

  const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
  const anyItems = fc.uniqueArray(
    fc.tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.option(name, { nil: undefined })),
    { selector: ([names]) => names.join('/'), maxLength: 12 }
  )

  test('are inverse, or refuse with an error of ours', () => {
    fc.assert(
      fc.property(anyItems, (drawn) => {
        try {
          const items = drawn.map(([names, target]): TreeIndexItem => ({
            path: toTreePath(names),
            entry: target === undefined ? { kind: 'file', capability } : { kind: 'symlink', target }
          }))
          const bytes = encodeTreeIndex(items)
          const decoded = decodeTreeIndex(bytes)
          expect(encodeTreeIndex(decoded.toReversed())).toEqual(bytes)
          expect(decoded.length).toBe(items.length)
        } catch (error) {
          expect(error).toBeInstanceOf(ErisError)
        }
      }),
      { numRuns: 300 }
    )
  })

  test('throw nothing but errors of ours for any change of any byte', () => {
    const good = encodeTreeIndex([file('a/b'), link('c', 'a/b'), file('d')])
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(3), (at, value, cut) => {
        const bytes = good.with(at, value).subarray(0, good.length - cut)
        try {
          decodeTreeIndex(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(ErisError)
        }
      }),
      { numRuns: 600 }
    )
    for (const depth of [10, 100_000]) {
      const nested = new Uint8Array(depth).fill(0x81)
      expect(() => decodeTreeIndex(nested)).toThrow(refused('ERR_ERIS_TREE'))
    }
  })
})

describe('escapingLinks', () => {
  const escaping = (...items: TreeIndexItem[]): string[] => escapingLinks(items).map(formatTreePath)

  test('lets links pass that stay inside', () => {
    expect(
      escaping(file('a/b'), link('l', 'a/b'), link('a/m', '../l'), link('n', 'not/there'), link('o', '.'))
    ).toEqual([])
    expect(escaping(link('x', 'y'), link('y', 'x'))).toEqual([])
  })

  test.for([
    ['absolute', [link('l', '/etc/passwd')], ['l']],
    ['above the tree', [link('a/l', '../../x')], ['a/l']],
    ['above the tree and back', [link('l', '../tree/a')], ['l']],
    ['through another link', [link('a/b/c/up', '../../..'), link('l', 'a/b/c/up/..')], ['l']],
    [
      'where case and accents are not told apart',
      [link('x/y/É', '..'), link('x/y/l', 'e\u0301/../..')],
      ['x/y/l']
    ],
    ['through a link that leads out', [link('out', '/etc'), link('l', 'out/passwd')], ['out', 'l']]
  ] as const)('names a link that leads out: %s', ([, items, expected]) => {
    expect(escaping(...items)).toEqual(expected)
  })
})

test('links with endless ways are judged in no time', () => {
  const way = `${'d/'.repeat(2000)}l0`
  const items = Array.from({ length: 2000 }, (_, index) => link(`d/l${index}`, way))
  const started = performance.now()
  expect(escapingLinks(items).length).toBe(2000)
  expect(performance.now() - started).toBeLessThan(5000)
})

let path: TreePath
beforeAll(() => {
  path = parseTreePath('a/ä/日本')
})
test('paths come back from their text', () => {
  expect(formatTreePath(path)).toBe('a/ä/日本')
  expect(parseTreePath(formatTreePath(path))).toEqual(path)
  for (const bad of ['', '/', '/a', 'a/', 'a//b', 'a/../b', './a', 'a\0', '\ud800']) {
    expect(() => parseTreePath(bad)).toThrow(refused('ERR_ERIS_TREE_PATH'))
  }
})
