/** Policies of directories: what is written is read back, others of a header stay, nonsense says nothing. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as tree from '../src/index.ts'

const policies: fc.Arbitrary<tree.KeepPolicy> = fc.oneof(
  fc.constant({ kind: 'all' } as const),
  fc.record({ kind: fc.constant('copies' as const), copies: fc.integer({ min: 1, max: 255 }) }),
  fc.constant({ kind: 'on demand' } as const)
)

function headerWith(
  ext: tree.Extensions,
  kind: tree.BlockKind = tree.blockKind.directory
): tree.HeaderRecord {
  // only these two fields are looked at
  return { body: { ext, birth: { kind } } } as unknown as tree.HeaderRecord
}

describe('keepPolicyOf', () => {
  test('reads what was written', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        expect(tree.keepPolicyOf(headerWith(tree.withKeepPolicy([], policy)))).toEqual(policy)
      })
    )
  })

  test('has the bytes of the specification', () => {
    const bytes = (policy: tree.KeepPolicy): string | undefined =>
      tree.withKeepPolicy([], policy)[0]?.bytes.toHex()
    expect(bytes({ kind: 'all' })).toBe('93010000')
    expect(bytes({ kind: 'copies', copies: 2 })).toBe('93010102')
    expect(bytes({ kind: 'on demand' })).toBe('93010200')
  })

  test('says nothing for other bytes, and never throws', () => {
    for (const hex of ['', '93010102ff', '93020102', '93010100', '93010003', '930103', '9301cd010002', 'c0'])
      expect(
        tree.keepPolicyOf(headerWith([{ code: 1, critical: false, bytes: Uint8Array.fromHex(hex) }]))
      ).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        tree.keepPolicyOf(headerWith([{ code: 1, critical: false, bytes }]))
      })
    )
  })

  test('says nothing for a file', () => {
    const ext = tree.withKeepPolicy([], { kind: 'on demand' })
    expect(tree.keepPolicyOf(headerWith(ext, tree.blockKind.file))).toBeUndefined()
  })
})

describe('withKeepPolicy', () => {
  const other = { code: 9, critical: false, bytes: Uint8Array.of(1) }

  test('leaves other extensions as they are, and takes its own away', () => {
    const set = tree.withKeepPolicy([other], { kind: 'copies', copies: 3 })
    expect(set.map(({ code }) => code)).toEqual([1, 9])
    expect(tree.withKeepPolicy(set, undefined)).toEqual([other])
    expect(tree.withKeepPolicy(set, { kind: 'all' })).toHaveLength(2)
  })

  test('refuses a number of copies that cannot be written', () => {
    for (const copies of [0, 256, 1.5])
      expect(() => tree.withKeepPolicy([], { kind: 'copies', copies })).toThrow()
  })
})
