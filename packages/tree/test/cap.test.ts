import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as tree from '../src/index.ts'
import { cap, child, codeOf, crypto, device, file, reader, rootBlock, zoneBelow } from './format-fixture.ts'

const { right, scopeType } = tree
const zone = zoneBelow(rootBlock)
const innerZone = zoneBelow(zone)
const inZone = child(zone)
const births = [rootBlock, zone, innerZone]
const parent = cap(device, {
  rights: right.write | right.create | right.delegate,
  depth: 3,
  notBefore: 100,
  notAfter: 200,
  quota: { bytes: 10, blocks: 10, recordsPerDay: 10 }
})
const within = {
  rights: right.write,
  notBefore: 100,
  notAfter: 200,
  quota: { bytes: 10, blocks: 9, recordsPerDay: 1 }
}
const from = { parent, signer: device, births }

describe('issueCap', () => {
  test('takes a cap within the one above it', () => {
    expect(cap(reader, within, from).body.parentCap).toEqual(parent.id)
  })

  test.each([
    ['more rights', { rights: right.write | right.delete }],
    ['an unknown right that the parent lacks', { rights: 0x80000001 }],
    ['the same depth', { depth: 3 }],
    ['an earlier beginning', { notBefore: 99 }],
    ['no beginning under one that has it', { notBefore: undefined }],
    ['a later end', { notAfter: 201 }],
    ['no end under one that has it', { notAfter: undefined }],
    ['no quota under one that has it', { quota: undefined }],
    ['a larger quota', { quota: { bytes: 11, blocks: 1, recordsPerDay: 1 } }]
  ])('refuses %s', (_what, change) => {
    expect(codeOf(() => cap(reader, { ...within, ...change }, from))).toBe('ERR_CAP_WIDER')
  })

  test('refuses an issuer that is not the subject of the cap above', () => {
    expect(codeOf(() => cap(reader, within, { ...from, signer: reader }))).toBe('ERR_CAP_ISSUER')
  })

  test('refuses to go below a cap without the right to delegate', () => {
    const leaf = cap(reader, within, from)
    const next = { ...within, depth: 1 }
    expect(codeOf(() => cap(device, next, { parent: leaf, signer: reader }))).toBe('ERR_CAP_ISSUER')
  })

  test('refuses another root generation', () => {
    expect(codeOf(() => cap(reader, { ...within, rootGeneration: 1 }, from))).toBe('ERR_CAP_ISSUER')
  })

  test('takes an inner zone and refuses an outer one', () => {
    expect(cap(reader, { ...within, scopeBirth: innerZone.birthBytes }, from).body.depth).toBe(2)
    const zoneCap = cap(device, { rights: 0xff, scopeBirth: zone.birthBytes })
    const below = { parent: zoneCap, signer: device, births }
    expect(codeOf(() => cap(reader, { scopeBirth: innerZone.birthBytes }, below))).toBe('nothing was thrown')
    expect(codeOf(() => cap(reader, { scopeBirth: rootBlock.birthBytes }, below))).toBe('ERR_CAP_SCOPE')
    const sibling = zoneBelow(rootBlock)
    expect(codeOf(() => cap(reader, { scopeBirth: sibling.birthBytes }, below))).toBe('ERR_CAP_SCOPE')
  })

  test('refuses an inner zone whose chain of births is not known', () => {
    const zoneCap = cap(device, { scopeBirth: rootBlock.birthBytes })
    const deep = zoneBelow(innerZone)
    const below = { parent: zoneCap, signer: device, births: [] }
    expect(codeOf(() => cap(reader, { scopeBirth: deep.birthBytes }, below))).toBe('ERR_CAP_SCOPE')
  })

  test('takes a block inside the zone, and below a block only the same block', () => {
    const blockScope = { scopeType: scopeType.block, rights: right.write | right.delegate }
    const zoneCap = cap(device, { scopeBirth: zone.birthBytes })
    const blockCap = cap(
      reader,
      { ...blockScope, scopeBirth: inZone.birthBytes },
      { parent: zoneCap, signer: device, births }
    )
    const below = { parent: blockCap, signer: reader, births }
    expect(codeOf(() => cap(device, { ...blockScope, scopeBirth: inZone.birthBytes }, below))).toBe(
      'nothing was thrown'
    )
    expect(codeOf(() => cap(device, { ...blockScope, scopeBirth: file.birthBytes }, below))).toBe(
      'ERR_CAP_SCOPE'
    )
    const outside = { parent: zoneCap, signer: device, births }
    expect(codeOf(() => cap(reader, { ...blockScope, scopeBirth: file.birthBytes }, outside))).toBe(
      'ERR_CAP_SCOPE'
    )
  })

  test('refuses a block scope with rights beyond write and delegate', () => {
    const draft = { scopeType: scopeType.block, scopeBirth: file.birthBytes }
    expect(codeOf(() => cap(device, { ...draft, rights: right.write }))).toBe('nothing was thrown')
    expect(codeOf(() => cap(device, { ...draft, rights: right.delete }))).toBe('ERR_RECORD_FIELD')
  })

  test('refuses a zone scope that is no zone root, another tree, an end before the beginning', () => {
    expect(codeOf(() => cap(device, { scopeBirth: file.birthBytes }))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => cap(device, { tree: new Uint8Array(32) }))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => cap(device, { notBefore: 2, notAfter: 1 }))).toBe('ERR_RECORD_FIELD')
  })

  test('never lets a child be wider, whatever the numbers', () => {
    const limit = fc.option(fc.nat(5), { nil: undefined })
    const shape = fc.record({ rights: fc.nat(255), depth: fc.nat(4), notAfter: limit, notBefore: limit })
    fc.assert(
      fc.property(shape, shape, (above, below) => {
        fc.pre((above.notBefore ?? 0) <= (above.notAfter ?? 9))
        const over = cap(device, { ...above, rights: above.rights | right.delegate })
        const isWider =
          (below.rights & ~(above.rights | right.delegate)) !== 0 ||
          below.depth >= above.depth ||
          (above.notAfter !== undefined && (below.notAfter ?? Infinity) > above.notAfter) ||
          (above.notBefore !== undefined && (below.notBefore ?? -Infinity) < above.notBefore) ||
          (below.notBefore ?? 0) > (below.notAfter ?? Infinity)
        const code = codeOf(() => cap(reader, below, { parent: over, signer: device, births }))
        expect(code === 'nothing was thrown').toBe(!isWider)
      }),
      { numRuns: 150 }
    )
  })
})

describe('capScope', () => {
  test('is the id of the block in the scope birth', () => {
    expect(tree.capScope(crypto, cap(device, { scopeBirth: zone.birthBytes }).body)).toEqual(zone.block)
  })
})
