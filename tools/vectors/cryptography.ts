/** Vectors of doc/spec/03-cryptography.md: one group an algorithm, and the edge cases of the one Ed25519 rule. */
import { type CryptoProvider, aead } from '@blocktree/crypto'
import { createPortableProvider } from '@blocktree/crypto/portable'
import { createSignatureEdgeCases } from '@blocktree/crypto/signature-edge-cases'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

export async function generateVectors(): Promise<VectorPage> {
  const crypto = createPortableProvider()
  return {
    name: 'cryptography',
    specification: 'doc/spec/03-cryptography.md',
    comment:
      'hkdf: `output` of HKDF-SHA256. aead: `sealed` is ciphertext and tag. signing: `signature` by the key of `seed`. ' +
      'signatureRule: the verdict of section 5, for the key alone (`keyAccepted`) and for key and signature together ' +
      '(`accepted`). xWing: `randomness` is the coins; `changed` is the ciphertext with bit 0 of byte 0 flipped, which gives ' +
      '`changedSecret`. argon2id: `output` of version 0x13.',
    groups: {
      hkdf: hkdfCases(crypto),
      aead: aeadCases(crypto),
      signing: signingCases(crypto),
      signatureRule: signatureRuleCases(),
      xWing: xWingCases(crypto),
      argon2id: await argon2idCases(crypto)
    }
  }
}

function filled(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_unused, index) => (first + index) & 0xff)
}

function hkdfCases(crypto: CryptoProvider): VectorCase[] {
  const shapes = [
    ['no salt', 0, 10, 32],
    ['salt and two blocks', 32, 80, 64],
    ['an info longer than 1024 bytes', 0, 1500, 33]
  ] as const
  return shapes.map(([comment, saltLength, infoLength, length]) => {
    const [secret, salt, info] = [filled(32, 1), filled(saltLength, 2), filled(infoLength, 3)]
    const output = crypto.hkdfSha256(secret, salt, info, length)
    return { comment, secret: hex(secret), salt: hex(salt), info: hex(info), length, output: hex(output) }
  })
}

function aeadCases(crypto: CryptoProvider): VectorCase[] {
  return [aead.aes256Gcm, aead.chacha20Poly1305].flatMap((code) =>
    [0, 1, 100].map((length) => {
      const [key, nonce, associated, plaintext] = [
        filled(32, 4),
        filled(12, 5),
        filled(length, 6),
        filled(length, 7)
      ]
      return {
        comment: `code ${code}, ${length} bytes, as many associated`,
        code,
        key: hex(key),
        nonce: hex(nonce),
        associated: hex(associated),
        plaintext: hex(plaintext),
        sealed: hex(crypto.aeadSeal(code, key, nonce, associated, plaintext))
      }
    })
  )
}

function signingCases(crypto: CryptoProvider): VectorCase[] {
  return [0, 1, 200].map((length) => {
    const seed = filled(32, length)
    const message = filled(length, 9)
    const key = crypto.signingKey(seed)
    return {
      comment: `a message of ${length} bytes`,
      seed: hex(seed),
      publicKey: hex(key.publicKey),
      message: hex(message),
      signature: hex(key.sign(message))
    }
  })
}

function signatureRuleCases(): VectorCase[] {
  return createSignatureEdgeCases().map((one) => ({
    comment: one.title,
    publicKey: hex(one.publicKey),
    message: hex(one.message),
    signature: hex(one.signature),
    keyAccepted: one.keyAccepted,
    accepted: one.accepted
  }))
}

function xWingCases(crypto: CryptoProvider): VectorCase[] {
  return [0, 100].map((first) => {
    const seed = filled(32, first)
    const randomness = filled(64, first + 32)
    const key = crypto.decapsulationKey(seed)
    const { sharedSecret, ciphertext } = crypto.encapsulate(key.publicKey, randomness)
    const changed = ciphertext.with(0, (ciphertext[0] ?? 0) ^ 1)
    return {
      comment: `seed from ${first}`,
      seed: hex(seed),
      publicKey: hex(key.publicKey),
      randomness: hex(randomness),
      ciphertext: hex(ciphertext),
      sharedSecret: hex(sharedSecret),
      changedSecret: hex(key.decapsulate(changed))
    }
  })
}

async function argon2idCases(crypto: CryptoProvider): Promise<VectorCase[]> {
  const costs = [
    { memoryKib: 8, passes: 1, parallelism: 1 },
    { memoryKib: 256, passes: 3, parallelism: 4 }
  ]
  const cases: VectorCase[] = []
  for (const cost of costs) {
    const [password, salt] = [filled(20, 10), filled(16, 11)]
    const output = hex(await crypto.argon2id(password, salt, cost, 32))
    cases.push({ comment: 'cost in KiB', password: hex(password), salt: hex(salt), ...cost, output })
  }
  return cases
}
