/** The Wycheproof vectors as one test per file: every case of a size that the formats use, none skipped silently. */
import { describe, expect, test } from 'vitest'
import { type AeadCode, type CryptoProvider, aead } from './crypto-provider.ts'
import {
  type WycheproofCase,
  type WycheproofGroup,
  hasWycheproofVectors,
  readWycheproof
} from './wycheproof-vectors.ts'

export function testWycheproof(crypto: CryptoProvider): void {
  const title = hasWycheproofVectors ? 'Wycheproof' : 'Wycheproof (needs shared/vectors)'
  describe.skipIf(!hasWycheproofVectors)(title, () => {
    test('Ed25519: every verdict is the expected one', () => {
      expectVerdicts(
        'ed25519',
        151,
        () => true,
        (one, group) => {
          const known = crypto.isSigningPublicKey(group.publicKey)
          return known && crypto.verify(group.publicKey, one.bytes('msg'), one.bytes('sig'))
        }
      )
    })

    test('AES-256-GCM: every case with a 12-byte nonce and a 16-byte tag', () => {
      expectAeadVerdicts(crypto, 'aes_gcm', aead.aes256Gcm, 60)
    })

    test('ChaCha20-Poly1305: every case with a 12-byte nonce', () => {
      expectAeadVerdicts(crypto, 'chacha20_poly1305', aead.chacha20Poly1305, 300)
    })

    test('HMAC-SHA256: every case with a 32-byte tag', () => {
      expectVerdicts(
        'hmac_sha256',
        80,
        (group) => group.tagSize === 256,
        (one) => {
          return crypto.hmacSha256(one.bytes('key'), [one.bytes('msg')]).toHex() === one.bytes('tag').toHex()
        }
      )
    })

    test('HKDF-SHA256: every case', () => {
      expectVerdicts(
        'hkdf_sha256',
        86,
        () => true,
        (one) => {
          if (one.size > 255 * 32) return !isRefused(() => derive(crypto, one))
          return derive(crypto, one).toHex() === one.bytes('okm').toHex()
        }
      )
    })
  })
}

function expectAeadVerdicts(crypto: CryptoProvider, file: string, code: AeadCode, casesMin: number): void {
  const fits = (group: WycheproofGroup): boolean =>
    group.keySize === 256 && group.ivSize === 96 && group.tagSize === 128
  expectVerdicts(file, casesMin, fits, (one) => {
    const sealed = Uint8Array.of(...one.bytes('ct'), ...one.bytes('tag'))
    const opened = crypto.aeadOpen(code, one.bytes('key'), one.bytes('iv'), one.bytes('aad'), sealed)
    if (opened === undefined) return false
    const again = crypto.aeadSeal(code, one.bytes('key'), one.bytes('iv'), one.bytes('aad'), opened)
    return opened.toHex() === one.bytes('msg').toHex() && again.toHex() === sealed.toHex()
  })
}

function derive(crypto: CryptoProvider, one: WycheproofCase): Uint8Array {
  return crypto.hkdfSha256(one.bytes('ikm'), one.bytes('salt'), one.bytes('info'), one.size)
}

function isRefused(action: () => unknown): boolean {
  try {
    action()
    return false
  } catch {
    return true
  }
}

/** Fails with the list of cases whose verdict differs, and when the file holds fewer cases than it should. */
function expectVerdicts(
  file: string,
  casesMin: number,
  fits: (group: WycheproofGroup) => boolean,
  accepts: (one: WycheproofCase, group: WycheproofGroup) => boolean
): void {
  const cases = readWycheproof(file)
    .filter(fits)
    .flatMap((group) => group.cases.map((one) => ({ one, group })))
  expect(cases.length).toBeGreaterThanOrEqual(casesMin)
  const differing = cases.filter(({ one, group }) => accepts(one, group) !== (one.result === 'valid'))
  expect(differing.map(({ one }) => `${one.id}: ${one.comment}`)).toEqual([])
}
