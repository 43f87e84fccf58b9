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
      '`changedSecret`. aeadRefuse: must not open. xWingPublicKeys: whether a key is sealed to. xWingDecapsulation: the secret ' +
      'that an unusual ciphertext gives. argon2id: `output` of version 0x13.',
    groups: {
      hkdf: hkdfCases(crypto),
      aead: aeadCases(crypto),
      aeadRefuse: aeadRefuseCases(crypto),
      signing: signingCases(crypto),
      signatureRule: signatureRuleCases(),
      xWing: xWingCases(crypto),
      xWingPublicKeys: xWingPublicKeyCases(crypto),
      xWingDecapsulation: xWingDecapsulationCases(crypto),
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

function aeadRefuseCases(crypto: CryptoProvider): VectorCase[] {
  return [aead.aes256Gcm, aead.chacha20Poly1305].flatMap((code) => {
    const good = { key: filled(32, 4), nonce: filled(12, 5), associated: filled(20, 6) }
    const sealed = crypto.aeadSeal(code, good.key, good.nonce, good.associated, filled(40, 7))
    const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ 0x80)
    const cases: readonly [string, Partial<typeof good> & { readonly sealed?: Uint8Array }][] = [
      ['another key', { key: flip(good.key, 31) }],
      ['another nonce', { nonce: flip(good.nonce, 11) }],
      ['other associated data', { associated: flip(good.associated, 19) }],
      ['no associated data', { associated: new Uint8Array(0) }],
      ['one bit of the ciphertext', { sealed: flip(sealed, 39) }],
      ['one bit of the tag', { sealed: flip(sealed, 55) }],
      ['a byte less', { sealed: sealed.subarray(0, -1) }],
      ['a byte more', { sealed: Uint8Array.of(...sealed, 0) }],
      ['the tag alone', { sealed: sealed.subarray(40) }],
      ['15 bytes', { sealed: sealed.subarray(0, 15) }],
      ['nothing', { sealed: new Uint8Array(0) }]
    ]
    return cases.map(([comment, changed]) => {
      const given = { sealed, ...good, ...changed }
      if (crypto.aeadOpen(code, given.key, given.nonce, given.associated, given.sealed) !== undefined)
        throw new Error(`the case "${comment}" opens`)
      const { key, nonce, associated } = given
      return {
        comment: `code ${code}: ${comment}`,
        code,
        key: hex(key),
        nonce: hex(nonce),
        associated: hex(associated),
        sealed: hex(given.sealed),
        error: ''
      }
    })
  })
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

const lowOrder = [
  ['0', '0000000000000000000000000000000000000000000000000000000000000000'],
  ['1', '0100000000000000000000000000000000000000000000000000000000000000'],
  ['of order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
  ['of order 8, the other', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
  ['p - 1', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['p', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['p + 1', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['0 with the top bit', '0000000000000000000000000000000000000000000000000000000000000080']
] as const
const unusual = [
  ['p + 9: the base point, not reduced', 'f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['9 with the top bit', '0900000000000000000000000000000000000000000000000000000000000080']
] as const

function withPoint(bytes: Uint8Array, point: string): Uint8Array {
  return new Uint8Array([...bytes.subarray(0, -32), ...Buffer.from(point, 'hex')])
}

function xWingPublicKeyCases(crypto: CryptoProvider): VectorCase[] {
  const { publicKey } = crypto.decapsulationKey(filled(32, 0))
  const withCoefficient = (value: number): Uint8Array =>
    publicKey.with(0, value & 0xff).with(1, ((publicKey[1] ?? 0) & 0xf0) | (value >> 8))
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['of a seed', publicKey],
    ['the first coefficient q - 1', withCoefficient(3328)],
    ['the first coefficient q', withCoefficient(3329)],
    ['the first coefficient 4095', withCoefficient(4095)],
    ['1,215 bytes', publicKey.subarray(1)],
    ['1,217 bytes', Uint8Array.of(...publicKey, 0)],
    ...lowOrder.map(([name, point]) => [`X25519 point ${name}`, withPoint(publicKey, point)] as const),
    ...unusual.map(([name, point]) => [`X25519 point ${name}`, withPoint(publicKey, point)] as const)
  ]
  return cases.map(([comment, key]) => ({ comment, publicKey: hex(key), accepted: canSealTo(crypto, key) }))
}

function canSealTo(crypto: CryptoProvider, publicKey: Uint8Array): boolean {
  try {
    crypto.encapsulate(publicKey, filled(64, 1))
    return true
  } catch {
    return false
  }
}

function xWingDecapsulationCases(crypto: CryptoProvider): VectorCase[] {
  const seed = filled(32, 0)
  const key = crypto.decapsulationKey(seed)
  const { ciphertext } = crypto.encapsulate(key.publicKey, filled(64, 32))
  const cases = [...lowOrder, ...unusual].map(
    ([name, point]) => [`X25519 point ${name}`, withPoint(ciphertext, point)] as const
  )
  return [...cases, ['all zero', new Uint8Array(1120)] as const].map(([comment, changed]) => ({
    comment,
    seed: hex(seed),
    ciphertext: hex(changed),
    sharedSecret: hex(key.decapsulate(changed))
  }))
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
