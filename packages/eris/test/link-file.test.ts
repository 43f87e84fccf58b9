import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeCbor } from '../src/cbor.ts'
import { ErisError } from '../src/eris-error.ts'
import { type ErisLink, decodeLinkFile, encodeLinkFile } from '../src/link-file.ts'
import { formatMagnet, parseMagnet } from '../src/magnet.ts'
import { encodeCapability, parseUrn } from '../src/read-capability.ts'

const urn =
  'urn:eris:BIADFUKDPYKJNLGCVSIIDI3FVKND7MO5AGOCXBK2C4ITT5MAL4LSCZF62B4PDOFQCLLNL7AXXSJFGINUYXVGVTDCQ2V7S7W5S234WFXCJ4'
const capability = parseUrn(urn)
const link: ErisLink = {
  capability,
  contentBytes: 70_000,
  mediaType: 'text/plain',
  attributes: { title: 'ä', author: 'somebody' }
}
const refused: unknown = expect.objectContaining({ code: 'ERR_ERIS_LINK' })

describe('encodeLinkFile and decodeLinkFile', () => {
  test('are inverse and begin with the magic of the companion document', () => {
    const bytes = encodeLinkFile(link)
    expect(bytes.subarray(0, 9).toHex()).toBe('d9d9f784d901145842')
    expect(decodeLinkFile(bytes)).toEqual(link)
  })

  test('refuse what is another thing, cut short, or goes on', () => {
    const bytes = encodeLinkFile(link)
    const head = [{ tag: 55_799 }, { array: 4 }, { tag: 276 }, encodeCapability(capability)]
    for (const bad of [
      new Uint8Array(0),
      bytes.subarray(1),
      bytes.subarray(0, -1),
      Uint8Array.of(...bytes, 0),
      encodeCbor([...head, 'five', 'text/plain', { map: 0 }]),
      encodeCbor([...head, 5, 'text/plain', { map: 2 }, 'a', 'b', 'a', 'c']),
      encodeCbor([...head, 5, 'text/plain', { map: 1 }, 'a', 5]),
      new Uint8Array(70_000)
    ]) {
      expect(() => decodeLinkFile(bad)).toThrow(refused)
    }
  })

  test('hold any attribute name without touching a prototype', () => {
    const attributes = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>
    const decoded = decodeLinkFile(encodeLinkFile({ ...link, attributes }))
    expect(Object.entries(decoded.attributes).sort()).toEqual(Object.entries(attributes).sort())
  })

  test('throw nothing but errors of ours for any change', () => {
    const good = encodeLinkFile(link)
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        try {
          decodeLinkFile(good.with(at, value))
        } catch (error) {
          expect(error).toBeInstanceOf(ErisError)
        }
      }),
      { numRuns: 300 }
    )
  })
})

describe('formatMagnet and parseMagnet', () => {
  test('are inverse', () => {
    for (const magnet of [
      { capability, name: 'a & b = ä?', contentBytes: 0 },
      { capability, name: undefined, contentBytes: undefined }
    ]) {
      expect(parseMagnet(formatMagnet(magnet))).toEqual(magnet)
    }
    expect(formatMagnet({ capability, name: 'a b', contentBytes: 5 })).toBe(`magnet:?xt=${urn}&dn=a%20b&xl=5`)
  })

  test('pass over what they do not know', () => {
    expect(parseMagnet(`magnet:?xt=urn:btih:aa&tr=x&xt=${urn}`).capability).toEqual(capability)
  })

  test.for([
    ['', 'ERR_ERIS_MAGNET'],
    [urn, 'ERR_ERIS_MAGNET'],
    ['magnet:?xt=urn:btih:aa', 'ERR_ERIS_MAGNET'],
    [`magnet:?xt=${urn}&xt=${urn}`, 'ERR_ERIS_MAGNET'],
    [`magnet:?xt=${urn}&xl=-1`, 'ERR_ERIS_MAGNET'],
    [`magnet:?xt=${urn}&xl=99999999999999999`, 'ERR_ERIS_MAGNET'],
    [`magnet:?xt=${urn.slice(0, -1)}`, 'ERR_ERIS_URN'],
    [`magnet:?xt=${urn}&dn=${'a'.repeat(9000)}`, 'ERR_ERIS_MAGNET']
  ] as const)('refuse %s', ([text, code]) => {
    expect(() => parseMagnet(text)).toThrow(expect.objectContaining({ code }))
  })
})
