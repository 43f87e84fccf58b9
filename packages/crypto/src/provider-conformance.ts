/**
 * The contract of `CryptoProvider` as tests. Every driver runs all of it; the portable provider is the peer that opens
 * what the driver sealed and the other way round.
 */
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type AeadCode, type CryptoProvider, aead, xWingCiphertextBytes } from './crypto-provider.ts'
import { createPortableProvider } from './portable.ts'
import { type SignatureEdgeCase, createSignatureEdgeCases } from './signature-edge-cases.ts'
import { testWycheproof } from './wycheproof-conformance.ts'

/** Registers the suite under `name`; call it at the top level of a test file. */
export function testCryptoProvider(name: string, create: () => CryptoProvider): void {
  describe(`crypto provider ${name}`, () => {
    const crypto = create()
    const peer = createPortableProvider()
    testHashes(crypto, peer)
    testAead(crypto, peer)
    testAeadCode(crypto)
    testSigning(crypto, peer)
    testSignatureRule(crypto)
    testEncapsulation(crypto, peer)
    testSecrecy(crypto)
    testPasswordHash(crypto, peer)
    testRandom(crypto)
    testWycheproof(crypto)
  })
}

const seed: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => index + 1)
const otherSeed: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => 255 - index)
const nonce: Uint8Array = Uint8Array.from({ length: 12 }, (_, index) => index)
const empty: Uint8Array = new Uint8Array(0)

function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 0xff)
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex()
}

function withChangedBit(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.with(index, (bytes.at(index) ?? 0) ^ 1)
}

function testHashes(crypto: CryptoProvider, peer: CryptoProvider): void {
  describe('hashes', () => {
    test('SHA-256 gives the FIPS 180 answers for "" and "abc"', () => {
      expect(hex(crypto.sha256(empty))).toBe(
        'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
      )
      const abc = new TextEncoder().encode('abc')
      expect(hex(crypto.sha256(abc))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    })

    test('SHA-256 over parts equals SHA-256 over the joined bytes, however they are cut', () => {
      const whole = patterned(3000)
      for (const cut of [0, 1, 63, 64, 65, 1500, 3000]) {
        const parts = [whole.subarray(0, cut), empty, whole.subarray(cut)]
        expect(hex(crypto.sha256Parts(parts))).toBe(hex(crypto.sha256(whole)))
      }
      expect(hex(crypto.sha256Parts([]))).toBe(hex(crypto.sha256(empty)))
      expect(hex(crypto.sha256Parts([whole]))).toBe(hex(crypto.sha256(whole)))
    })

    test('HMAC-SHA256 equals the peer for keys and messages on both sides of a block', () => {
      for (const keyLength of [0, 1, 32, 64, 65, 200]) {
        for (const length of [0, 1, 64, 1000]) {
          const parts = [patterned(length), patterned(3)]
          expect(hex(crypto.hmacSha256(patterned(keyLength), parts))).toBe(
            hex(peer.hmacSha256(patterned(keyLength), parts))
          )
        }
      }
    })

    test('HKDF-SHA256 equals the peer for empty salts, long infos and the longest output', () => {
      for (const [saltLength, infoLength, length] of [
        [0, 0, 32],
        [32, 80, 64],
        [5, 3000, 33],
        [64, 10, 8160]
      ] as const) {
        expect(hex(crypto.hkdfSha256(seed, patterned(saltLength), patterned(infoLength), length))).toBe(
          hex(peer.hkdfSha256(seed, patterned(saltLength), patterned(infoLength), length))
        )
      }
    })

    test('HKDF-SHA256 refuses an output that RFC 5869 cannot give', () => {
      for (const length of [0, -1, 8161, 1.5]) {
        expect(() => crypto.hkdfSha256(seed, empty, empty, length)).toThrow(
          expect.objectContaining({ code: 'ERR_CRYPTO_ARGUMENT' })
        )
      }
    })

    test('results are plain byte arrays, so that slice copies', () => {
      const sealed = crypto.aeadSeal(aead.aes256Gcm, seed, nonce, empty, seed)
      const results = [
        crypto.sha256(seed),
        crypto.sha256Parts([seed, seed]),
        crypto.hmacSha256(seed, [seed]),
        crypto.hkdfSha256(seed, empty, empty, 32),
        sealed,
        crypto.aeadOpen(aead.aes256Gcm, seed, nonce, empty, sealed),
        crypto.signingKey(seed).publicKey,
        crypto.signingKey(seed).sign(seed),
        crypto.decapsulationKey(seed).publicKey,
        crypto.random.bytes(5)
      ]
      for (const result of results) expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype)
    })
  })
}

function testAead(crypto: CryptoProvider, peer: CryptoProvider): void {
  const codes: readonly (readonly [string, AeadCode])[] = [
    ['AES-256-GCM', aead.aes256Gcm],
    ['ChaCha20-Poly1305', aead.chacha20Poly1305]
  ]
  describe.for(codes)('%s', ([, code]) => {
    test('opens what the peer sealed and the other way round, at every size class', () => {
      for (const length of [0, 1, 15, 16, 17, 100, 4096, 49_135, 49_136, 49_137, 49_152, 49_153, 131_072]) {
        const plaintext = patterned(length)
        const associated = patterned(length % 40)
        const sealed = crypto.aeadSeal(code, seed, nonce, associated, plaintext)
        expect(sealed.length).toBe(length + 16)
        const fromPeer = peer.aeadSeal(code, seed, nonce, associated, plaintext)
        expect(Buffer.compare(sealed, fromPeer)).toBe(0)
        const opened = crypto.aeadOpen(code, seed, nonce, associated, fromPeer)
        expect(opened !== undefined && Buffer.compare(opened, plaintext) === 0).toBe(true)
      }
    })

    test('refuses a changed bit anywhere: ciphertext, tag, key, nonce or associated data', () => {
      for (const length of [0, 33, 60_000]) {
        const associated = patterned(20)
        const sealed = crypto.aeadSeal(code, seed, nonce, associated, patterned(length))
        for (const index of [0, length >> 1, length, length + 15]) {
          expect(
            crypto.aeadOpen(code, seed, nonce, associated, withChangedBit(sealed, index))
          ).toBeUndefined()
        }
        expect(crypto.aeadOpen(code, withChangedBit(seed, 31), nonce, associated, sealed)).toBeUndefined()
        expect(crypto.aeadOpen(code, seed, withChangedBit(nonce, 11), associated, sealed)).toBeUndefined()
        expect(crypto.aeadOpen(code, seed, nonce, withChangedBit(associated, 0), sealed)).toBeUndefined()
        expect(crypto.aeadOpen(code, seed, nonce, empty, sealed)).toBeUndefined()
        expect(crypto.aeadOpen(code, seed, nonce, associated, sealed)?.length).toBe(length)
      }
    })

    test('refuses truncated input, down to nothing', () => {
      const sealed = crypto.aeadSeal(code, seed, nonce, empty, patterned(20))
      for (let length = 0; length < sealed.length; length++) {
        expect(crypto.aeadOpen(code, seed, nonce, empty, sealed.subarray(0, length))).toBeUndefined()
      }
    })

    test('leaves its inputs alone and gives fresh buffers', () => {
      const plaintext = patterned(100)
      const sealed = crypto.aeadSeal(code, seed, nonce, nonce, plaintext)
      const before = hex(sealed)
      crypto.aeadOpen(code, seed, nonce, nonce, sealed)?.fill(0)
      expect(hex(sealed)).toBe(before)
      expect(hex(plaintext)).toBe(hex(patterned(100)))
      expect(crypto.aeadSeal(code, seed, nonce, nonce, plaintext)).not.toBe(sealed)
    })

    test('writes the same bytes into a target, in the middle of a larger buffer too', () => {
      for (const length of [0, 100, 60_000, 131_072]) {
        const plaintext = patterned(length)
        const around = new Uint8Array(length + 26).fill(0xee)
        const target = around.subarray(5, length + 21)
        crypto.aeadSealInto(code, seed, nonce, { associated: nonce, plaintext, target })
        const sealed = crypto.aeadSeal(code, seed, nonce, nonce, plaintext)
        expect(Buffer.compare(around.subarray(5, length + 21), sealed)).toBe(0)
        expect([...around.subarray(0, 5), ...around.subarray(length + 21)]).toEqual(Array(10).fill(0xee))
      }
    })

    test('throws for a target that is too short or too long', () => {
      for (const length of [115, 117, 0]) {
        const buffers = { associated: empty, plaintext: patterned(100), target: new Uint8Array(length) }
        expect(() => crypto.aeadSealInto(code, seed, nonce, buffers)).toThrow(
          expect.objectContaining({ code: 'ERR_CRYPTO_ARGUMENT' })
        )
      }
    })

    test('throws for a key or nonce of another length', () => {
      const refused: unknown = expect.objectContaining({ code: 'ERR_CRYPTO_ARGUMENT' })
      expect(() => crypto.aeadSeal(code, seed.subarray(1), nonce, empty, empty)).toThrow(refused)
      expect(() => crypto.aeadSeal(code, seed, seed, empty, empty)).toThrow(refused)
      expect(() => crypto.aeadOpen(code, seed.subarray(0, 16), nonce, empty, patterned(16))).toThrow(refused)
    })
  })
}

function testAeadCode(crypto: CryptoProvider): void {
  test('an unknown AEAD code throws', () => {
    const unknownCode = 3 as AeadCode
    expect(() => crypto.aeadSeal(unknownCode, seed, nonce, empty, empty)).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_ARGUMENT' })
    )
  })
}

function testSigning(crypto: CryptoProvider, peer: CryptoProvider): void {
  describe('Ed25519', () => {
    test('gives the answers of RFC 8032, section 7.1, test 3', () => {
      const key = crypto.signingKey(
        Uint8Array.fromHex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7')
      )
      expect(hex(key.publicKey)).toBe('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')
      expect(hex(key.sign(Uint8Array.fromHex('af82')))).toBe(
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'
      )
    })

    test('signs the same bytes as the peer and each verifies the other', () => {
      const key = crypto.signingKey(seed)
      const peerKey = peer.signingKey(seed)
      expect(hex(key.publicKey)).toBe(hex(peerKey.publicKey))
      for (const length of [0, 1, 200, 70_000]) {
        const message = patterned(length)
        const signature = key.sign(message)
        expect(hex(signature)).toBe(hex(peerKey.sign(message)))
        expect(crypto.verify(key.publicKey, message, signature)).toBe(true)
        expect(peer.verify(key.publicKey, message, signature)).toBe(true)
      }
    })

    test('refuses another message, another key and another length, and never throws', () => {
      const key = crypto.signingKey(seed)
      const signature = key.sign(nonce)
      expect(crypto.verify(key.publicKey, empty, signature)).toBe(false)
      expect(crypto.verify(crypto.signingKey(otherSeed).publicKey, nonce, signature)).toBe(false)
      expect(crypto.verify(key.publicKey, nonce, signature.subarray(0, 63))).toBe(false)
      expect(crypto.verify(key.publicKey, nonce, new Uint8Array([...signature, 0]))).toBe(false)
      expect(crypto.verify(key.publicKey.subarray(0, 31), nonce, signature)).toBe(false)
      expect(crypto.verify(empty, nonce, empty)).toBe(false)
      expect(crypto.verify(new Uint8Array(32).fill(0xff), nonce, signature)).toBe(false)
      expect(crypto.isSigningPublicKey(key.publicKey)).toBe(true)
      expect(crypto.isSigningPublicKey(key.publicKey.subarray(0, 31))).toBe(false)
      expect(crypto.isSigningPublicKey(new Uint8Array(33))).toBe(false)
    })

    test('verifies inputs that are views into larger buffers', () => {
      const key = crypto.signingKey(seed)
      const message = patterned(50)
      const joined = new Uint8Array([9, 9, 9, ...key.publicKey, ...message, ...key.sign(message), 9])
      const verdict = crypto.verify(joined.subarray(3, 35), joined.subarray(35, 85), joined.subarray(85, 149))
      expect(verdict).toBe(true)
    })

    test('copies the seed it is given', () => {
      const own = Uint8Array.from(seed)
      const key = crypto.signingKey(own)
      own.fill(0)
      expect(hex(key.exportSeed())).toBe(hex(seed))
      key.exportSeed().fill(0)
      expect(hex(key.sign(empty))).toBe(hex(crypto.signingKey(seed).sign(empty)))
    })

    test('refuses a seed of another length', () => {
      expect(() => crypto.signingKey(seed.subarray(1))).toThrow(
        expect.objectContaining({ code: 'ERR_KEY_INVALID' })
      )
    })
  })
}

let edgeCases: readonly SignatureEdgeCase[] | undefined

function testSignatureRule(crypto: CryptoProvider): void {
  describe('the one Ed25519 rule', () => {
    const allCases = (): readonly SignatureEdgeCase[] => {
      edgeCases ??= createSignatureEdgeCases()
      return edgeCases
    }

    test('accepts exactly the public keys that the equations accept', () => {
      const differing = allCases().filter(
        (one) => crypto.isSigningPublicKey(one.publicKey) !== one.keyAccepted
      )
      expect(differing.map((one) => one.title)).toEqual([])
    })

    test('accepts exactly the signatures that the equations accept', () => {
      const verdict = (one: SignatureEdgeCase): boolean => {
        const verified = crypto.verify(one.publicKey, one.message, one.signature) // never throws, whatever the key
        return crypto.isSigningPublicKey(one.publicKey) && verified
      }
      const differing = allCases().filter((one) => verdict(one) !== one.accepted)
      expect(differing.map((one) => one.title)).toEqual([])
    })

    test('the edge cases hold both verdicts', () => {
      createsBothVerdicts(allCases())
    })
  })
}

function createsBothVerdicts(cases: readonly SignatureEdgeCase[]): void {
  expect(cases.some((one) => one.accepted)).toBe(true)
  expect(cases.some((one) => one.keyAccepted && !one.accepted)).toBe(true)
  expect(cases.some((one) => !one.keyAccepted)).toBe(true)
}

const xWingVector = {
  seed: '7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26',
  randomness:
    '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2',
  sharedSecret: 'd2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384',
  publicKeySha256: '2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb',
  ciphertextSha256: '17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33'
} as const

function testEncapsulation(crypto: CryptoProvider, peer: CryptoProvider): void {
  describe('X-Wing', () => {
    test('gives the first test vector of the draft', () => {
      const key = crypto.decapsulationKey(Uint8Array.fromHex(xWingVector.seed))
      const { sharedSecret, ciphertext } = crypto.encapsulate(
        key.publicKey,
        Uint8Array.fromHex(xWingVector.randomness)
      )
      expect(hex(sharedSecret)).toBe(xWingVector.sharedSecret)
      expect(hex(crypto.sha256(key.publicKey))).toBe(xWingVector.publicKeySha256)
      expect(hex(crypto.sha256(ciphertext))).toBe(xWingVector.ciphertextSha256)
      expect(hex(key.decapsulate(ciphertext))).toBe(xWingVector.sharedSecret)
    })

    test('opens what the peer encapsulated and the other way round', () => {
      const key = crypto.decapsulationKey(seed)
      const peerKey = peer.decapsulationKey(seed)
      expect(hex(key.publicKey)).toBe(hex(peerKey.publicKey))
      const fromPeer = peer.encapsulate(key.publicKey)
      expect(hex(key.decapsulate(fromPeer.ciphertext))).toBe(hex(fromPeer.sharedSecret))
      const own = crypto.encapsulate(peerKey.publicKey)
      expect(own.ciphertext.length).toBe(xWingCiphertextBytes)
      expect(hex(peerKey.decapsulate(own.ciphertext))).toBe(hex(own.sharedSecret))
    })

    test('draws fresh randomness when none is given', () => {
      const { publicKey } = crypto.decapsulationKey(seed)
      expect(hex(crypto.encapsulate(publicKey).sharedSecret)).not.toBe(
        hex(crypto.encapsulate(publicKey).sharedSecret)
      )
    })

    test('gives an unrelated secret, the same as the peer, for a ciphertext that was changed', () => {
      const key = crypto.decapsulationKey(seed)
      const peerKey = peer.decapsulationKey(seed)
      const { ciphertext, sharedSecret } = crypto.encapsulate(key.publicKey)
      for (const index of [0, 1087, 1088, 1118]) {
        const changed = withChangedBit(ciphertext, index)
        expect(hex(key.decapsulate(changed))).not.toBe(hex(sharedSecret))
        expect(hex(key.decapsulate(changed))).toBe(hex(peerKey.decapsulate(changed)))
      }
    })

    test('goes on with 32 zero bytes when the X25519 part of a ciphertext is of low order', () => {
      const { ciphertext } = crypto.encapsulate(crypto.decapsulationKey(seed).publicKey)
      for (const first of [0, 1]) {
        const lowOrder = Uint8Array.from(ciphertext).fill(0, 1088)
        lowOrder[1088] = first
        expect(hex(crypto.decapsulationKey(seed).decapsulate(lowOrder))).toBe(
          hex(peer.decapsulationKey(seed).decapsulate(lowOrder))
        )
      }
    })

    test('refuses public keys of another length, outside ML-KEM, or with a low-order point', () => {
      const { publicKey } = crypto.decapsulationKey(seed)
      const outside = Uint8Array.from(publicKey).fill(0xff, 0, 3) // two coefficients of 4095, above q
      const lowOrder = Uint8Array.from(publicKey).fill(0, 1184)
      const refused: unknown = expect.objectContaining({ code: 'ERR_KEY_INVALID' })
      for (const bad of [publicKey.subarray(1), outside, lowOrder, empty]) {
        expect(() => crypto.encapsulate(bad)).toThrow(refused)
        expect(() => crypto.encapsulate(bad, new Uint8Array(64))).toThrow(refused)
      }
    })

    test('refuses seeds, ciphertexts and randomness of another length', () => {
      const key = crypto.decapsulationKey(seed)
      const argument: unknown = expect.objectContaining({ code: 'ERR_CRYPTO_ARGUMENT' })
      expect(() => crypto.decapsulationKey(nonce)).toThrow(
        expect.objectContaining({ code: 'ERR_KEY_INVALID' })
      )
      expect(() => key.decapsulate(new Uint8Array(1119))).toThrow(argument)
      expect(() => crypto.encapsulate(key.publicKey, seed)).toThrow(argument)
    })
  })
}

function testSecrecy(crypto: CryptoProvider): void {
  const open = { signing: () => crypto.signingKey(seed), decapsulation: () => crypto.decapsulationKey(seed) }
  describe.for(['signing', 'decapsulation'] as const)('a %s key', (kind) => {
    test('shows no byte of its seed when it is inspected, printed or serialised', () => {
      const key = open[kind]()
      const texts = [
        inspect(key, { showHidden: true, depth: 10, maxArrayLength: null }),
        inspect({ key }, { depth: 10, maxArrayLength: null }),
        JSON.stringify(key),
        JSON.stringify(Object.entries(key)),
        Object.prototype.toString.call(key)
      ]
      for (const text of texts) {
        expect(text).not.toContain('1, 2, 3, 4, 5, 6, 7')
        expect(text).not.toContain('1,2,3,4,5,6,7')
        expect(text).not.toContain('"0":1,"1":2,"2":3')
        expect(text.toLowerCase()).not.toContain('01020304')
        expect(text).not.toContain(seed.toBase64().slice(0, 10))
      }
    })

    test('is useless after close, and says so without a secret', () => {
      const key = open[kind]()
      key.close()
      key.close()
      const uses: (() => unknown)[] = [() => key.exportSeed()]
      if ('sign' in key) uses.push(() => key.sign(empty))
      else uses.push(() => key.decapsulate(new Uint8Array(xWingCiphertextBytes)))
      for (const use of uses) expect(use).toThrow(expect.objectContaining({ code: 'ERR_KEY_CLOSED' }))
    })
  })

  test('an error about a wrong seed does not quote it', () => {
    for (const use of [
      () => crypto.signingKey(seed.subarray(0, 31)),
      () => crypto.decapsulationKey(seed.subarray(1))
    ]) {
      let text = ''
      try {
        use()
      } catch (error) {
        text = inspect(error, { depth: 10 }) + JSON.stringify(error)
      }
      expect(text).toContain('ERR_KEY_INVALID')
      expect(text).not.toMatch(/2, ?3, ?4, ?5|02030405/u)
    }
  })
}

function testPasswordHash(crypto: CryptoProvider, peer: CryptoProvider): void {
  describe('Argon2id', () => {
    test('equals the peer over passes, memory and parallelism', async () => {
      for (const cost of [
        { memoryKib: 8, passes: 1, parallelism: 1 },
        { memoryKib: 70, passes: 3, parallelism: 2 },
        { memoryKib: 256, passes: 1, parallelism: 4 }
      ]) {
        const own = await crypto.argon2id(patterned(20), patterned(16), cost, 32)
        expect(hex(own)).toBe(hex(await peer.argon2id(patterned(20), patterned(16), cost, 32)))
      }
    })

    test('takes an empty password and another output length', async () => {
      const cost = { memoryKib: 16, passes: 1, parallelism: 1 }
      const own = await crypto.argon2id(empty, patterned(8), cost, 64)
      expect(hex(own)).toBe(hex(await peer.argon2id(empty, patterned(8), cost, 64)))
    })

    test('refuses costs and salts outside RFC 9106', async () => {
      const good = { memoryKib: 64, passes: 1, parallelism: 1 }
      const refused: unknown = expect.objectContaining({ code: 'ERR_CRYPTO_ARGUMENT' })
      for (const cost of [
        { ...good, memoryKib: 7 },
        { ...good, passes: 0 },
        { ...good, parallelism: 0 },
        { ...good, memoryKib: 2 ** 32 }
      ]) {
        await expect(crypto.argon2id(seed, seed, cost, 32)).rejects.toThrow(refused)
      }
      await expect(crypto.argon2id(seed, patterned(7), good, 32)).rejects.toThrow(refused)
      await expect(crypto.argon2id(seed, seed, good, 3)).rejects.toThrow(refused)
    })
  })
}

function testRandom(crypto: CryptoProvider): void {
  test('random bytes have the asked length and do not repeat', () => {
    const drawn = new Set(Array.from({ length: 200 }, () => hex(crypto.random.bytes(16))))
    expect(drawn.size).toBe(200)
    expect(crypto.random.bytes(0).length).toBe(0)
    expect(crypto.random.bytes(70_000).length).toBe(70_000)
  })
}
