import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CryptoError } from '../src/crypto-error.ts'
import { type AeadCode, type CryptoProvider, aead } from '../src/crypto-provider.ts'
import { decodeKeyFile } from '../src/key-file.ts'
import { createNativeProvider } from '../src/native.ts'
import { passphraseWord, passwordBytes } from '../src/passphrase.ts'
import { createPortableProvider } from '../src/portable.ts'

type Case = Readonly<Record<string, string | number | boolean>>

function readGroups(name: string): Readonly<Record<string, readonly Case[]>> {
  const url = new URL(`../../../doc/spec/vectors/${name}.json`, import.meta.url)
  const page = JSON.parse(readFileSync(url, 'utf8')) as { groups: Record<string, Case[]> }
  return page.groups
}

function bytes(one: Case, field: string): Uint8Array {
  return Uint8Array.fromHex(String(one[field]))
}

function costOf(one: Case): { memoryKib: number; passes: number; parallelism: number } {
  return {
    memoryKib: Number(one['memoryKib']),
    passes: Number(one['passes']),
    parallelism: Number(one['parallelism'])
  }
}

const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['native', createNativeProvider()],
  ['native without libsodium', createNativeProvider({ sodium: false })],
  ['portable', createPortableProvider()]
]

describe.for(providers)('vectors of doc/spec/03-cryptography.md, %s', ([, crypto]) => {
  const groups = readGroups('cryptography')

  test.for(groups['hkdf'] ?? [])('HKDF: $comment', (one) => {
    const output = crypto.hkdfSha256(
      bytes(one, 'secret'),
      bytes(one, 'salt'),
      bytes(one, 'info'),
      Number(one['length'])
    )
    expect(output.toHex()).toBe(one['output'])
  })

  test.for(groups['aead'] ?? [])('AEAD: $comment', (one) => {
    const code: AeadCode = one['code'] === 1 ? aead.aes256Gcm : aead.chacha20Poly1305
    const [key, nonce, associated] = [bytes(one, 'key'), bytes(one, 'nonce'), bytes(one, 'associated')]
    expect(crypto.aeadSeal(code, key, nonce, associated, bytes(one, 'plaintext')).toHex()).toBe(one['sealed'])
    expect(crypto.aeadOpen(code, key, nonce, associated, bytes(one, 'sealed'))?.toHex()).toBe(
      one['plaintext']
    )
  })

  test.for(groups['aeadRefuse'] ?? [])('AEAD, refused: $comment', (one) => {
    const code: AeadCode = one['code'] === 1 ? aead.aes256Gcm : aead.chacha20Poly1305
    const [key, nonce, associated] = [bytes(one, 'key'), bytes(one, 'nonce'), bytes(one, 'associated')]
    expect(crypto.aeadOpen(code, key, nonce, associated, bytes(one, 'sealed'))).toBeUndefined()
  })

  test.for(groups['xWingPublicKeys'] ?? [])('X-Wing public key: $comment', (one) => {
    const encapsulate = (): unknown => crypto.encapsulate(bytes(one, 'publicKey'), new Uint8Array(64).fill(1))
    if (one['accepted'] === true) expect(encapsulate).not.toThrow()
    else expect(encapsulate).toThrow(CryptoError)
  })

  test.for(groups['xWingDecapsulation'] ?? [])('X-Wing decapsulation: $comment', (one) => {
    const key = crypto.decapsulationKey(bytes(one, 'seed'))
    expect(key.decapsulate(bytes(one, 'ciphertext')).toHex()).toBe(one['sharedSecret'])
  })

  test.for(groups['signing'] ?? [])('Ed25519: $comment', (one) => {
    const key = crypto.signingKey(bytes(one, 'seed'))
    expect(key.publicKey.toHex()).toBe(one['publicKey'])
    expect(key.sign(bytes(one, 'message')).toHex()).toBe(one['signature'])
  })

  test('A37, D8: the one Ed25519 rule: every verdict', () => {
    const cases = groups['signatureRule'] ?? []
    expect(cases.length).toBeGreaterThan(300)
    const differing = cases.filter((one) => {
      const publicKey = bytes(one, 'publicKey')
      const known = crypto.isSigningPublicKey(publicKey)
      const verified = crypto.verify(publicKey, bytes(one, 'message'), bytes(one, 'signature'))
      return known !== one['keyAccepted'] || (known && verified) !== one['accepted']
    })
    expect(differing.map((one) => one['comment'])).toEqual([])
  })

  test.for(groups['xWing'] ?? [])('X-Wing: $comment', (one) => {
    const key = crypto.decapsulationKey(bytes(one, 'seed'))
    expect(key.publicKey.toHex()).toBe(one['publicKey'])
    const { ciphertext, sharedSecret } = crypto.encapsulate(key.publicKey, bytes(one, 'randomness'))
    expect(ciphertext.toHex()).toBe(one['ciphertext'])
    expect(sharedSecret.toHex()).toBe(one['sharedSecret'])
    expect(key.decapsulate(ciphertext).toHex()).toBe(one['sharedSecret'])
    expect(key.decapsulate(ciphertext.with(0, (ciphertext[0] ?? 0) ^ 1)).toHex()).toBe(one['changedSecret'])
  })

  test.for(groups['argon2id'] ?? [])('Argon2id: $memoryKib KiB', async (one) => {
    const output = await crypto.argon2id(bytes(one, 'password'), bytes(one, 'salt'), costOf(one), 32)
    expect(output.toHex()).toBe(one['output'])
  })
})

describe('vectors of doc/spec/04-key-files.md', () => {
  const groups = readGroups('key-files')
  const crypto = createNativeProvider()
  const passwordOf = (one: Case): Uint8Array | undefined =>
    one['password'] === undefined ? undefined : bytes(one, 'password')

  test.for(groups['accept'] ?? [])('opens: $comment', async (one) => {
    const opened = await decodeKeyFile(crypto, bytes(one, 'file'), passwordOf(one))
    expect(opened.signSeed.toHex()).toBe(one['signSeed'])
    expect(opened.kemSeed.toHex()).toBe(one['kemSeed'])
  })

  test.for(groups['refuse'] ?? [])('refuses: $comment', async (one) => {
    const error: unknown = await decodeKeyFile(crypto, bytes(one, 'file'), passwordOf(one)).catch(
      (reason: unknown) => reason
    )
    expect(error instanceof CryptoError && error.code).toBe(one['error'])
  })

  test('words and passwords', () => {
    for (const one of groups['words'] ?? []) expect(passphraseWord(Number(one['index']))).toBe(one['word'])
    for (const one of groups['passwords'] ?? []) {
      expect(passwordBytes(String(one['typed'])).toHex()).toBe(one['bytes'])
    }
  })
})
