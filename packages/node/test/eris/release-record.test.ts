import { createPrincipalSecret } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { parseUrn } from '@blocktree/eris'
import { createPrincipal } from '@blocktree/tree'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Release, releaseBytesMax, signRelease, verifyRelease } from '../../src/eris/release-record.ts'
import { NodeError } from '../../src/node-error.ts'

const crypto = createNativeProvider()
const authorOf = (seed: number): Parameters<typeof signRelease>[0] & { readonly id: Uint8Array } => {
  const secret = createPrincipalSecret(new Uint8Array(32).fill(seed), new Uint8Array(32).fill(seed + 1))
  const { id, key, record } = createPrincipal(crypto, secret)
  return { id, signer: { id, key }, record: record.bytes }
}
const author = authorOf(1)
const capability = parseUrn(
  'urn:eris:BIADFUKDPYKJNLGCVSIIDI3FVKND7MO5AGOCXBK2C4ITT5MAL4LSCZF62B4PDOFQCLLNL7AXXSJFGINUYXVGVTDCQ2V7S7W5S234WFXCJ4'
)
const release: Omit<Release, 'author'> = {
  name: 'notes',
  version: 3,
  versionText: '1.2.0',
  capability,
  sha256: new Uint8Array(32).fill(9),
  references: [capability],
  url: 'https://example.org/notes.blocktree'
}
const refused = (code: string): unknown => expect.objectContaining({ code })

describe('signRelease and verifyRelease', () => {
  test('are inverse; the URL may be absent', () => {
    expect(verifyRelease(crypto, signRelease(author, release))).toEqual({ author: author.id, ...release })
    const without = { ...release, url: undefined, references: [] }
    expect(verifyRelease(crypto, signRelease(author, without))).toEqual({ author: author.id, ...without })
  })

  test('refuse a record whose capability, or anything else, was changed', () => {
    const good = signRelease(author, release)
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = good.with(at, (good[at] ?? 0) ^ mask)
        expect(() => verifyRelease(crypto, changed)).toThrow(NodeError)
      }),
      { numRuns: 150 }
    )
  })

  test('refuse a record that another signed in the name of the author', () => {
    const forged = signRelease({ signer: authorOf(5).signer, record: author.record }, release)
    expect(() => verifyRelease(crypto, forged)).toThrow(refused('ERR_RELEASE_SIGNATURE'))
  })

  test('refuse other bytes, a URL that is not of the web, and what is too long', () => {
    const good = signRelease(author, release)
    for (const bad of [
      new Uint8Array(0),
      good.subarray(1),
      Uint8Array.of(...good, 0),
      new Uint8Array(releaseBytesMax + 1),
      signRelease(author, { ...release, url: 'file:///etc/passwd' }),
      signRelease(author, { ...release, sha256: new Uint8Array(31) }),
      signRelease(author, { ...release, name: 'x'.repeat(65) })
    ]) {
      expect(() => verifyRelease(crypto, bad)).toThrow(refused('ERR_RELEASE_FORMAT'))
    }
  })
})
