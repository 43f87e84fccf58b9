/** The primitives of X-Wing from OpenSSL. */
import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  hash,
  randomFillSync
} from 'node:crypto'
import { loadMlKem768 } from './noble-on-demand.ts'
import { plainView } from './plain-view.ts'
import type { SecretHalf, XWingPrimitives } from './x-wing.ts'

export const nativeXWingPrimitives: XWingPrimitives = {
  shake256: (message, length) =>
    plainView(hash('shake256', message, { outputLength: length, outputEncoding: 'buffer' })),
  sha3: (message) => plainView(hash('sha3-256', message, 'buffer')),
  x25519Key,
  mlKemKey,
  mlKemEncapsulate,
  randomBytes: (length) => randomFillSync(new Uint8Array(length))
}

/** The KeyObjects hold the secret in OpenSSL's memory, cleansed when they are collected. */
function x25519Key(secret: Uint8Array): SecretHalf {
  const privateKey = createPrivateKey({ key: secret, format: 'raw-private', asymmetricKeyType: 'x25519' })
  return secretHalf(privateKey, agreeX25519)
}

function mlKemKey(seed: Uint8Array): SecretHalf {
  const privateKey = createPrivateKey({ key: seed, format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' })
  return secretHalf(privateKey, (key, ciphertext) => plainView(decapsulate(key, ciphertext)))
}

function secretHalf(key: KeyObject, open: (key: KeyObject, received: Uint8Array) => Uint8Array): SecretHalf {
  let held: KeyObject | undefined = key
  return {
    publicKey: plainView(createPublicKey(key).export({ format: 'raw-public' })),
    open(received) {
      if (held === undefined) throw new Error('used after close')
      return open(held, received)
    },
    close() {
      held = undefined
    }
  }
}

/** OpenSSL refuses to give the all-zero secret of a low-order point; X-Wing goes on with it. */
function agreeX25519(privateKey: KeyObject, received: Uint8Array): Uint8Array {
  const publicKey = createPublicKey({ key: received, format: 'raw-public', asymmetricKeyType: 'x25519' })
  try {
    return plainView(diffieHellman({ privateKey, publicKey }))
  } catch {
    return new Uint8Array(32)
  }
}

function mlKemEncapsulate(
  publicKey: Uint8Array,
  coins: Uint8Array | undefined
): { sharedSecret: Uint8Array; ciphertext: Uint8Array } {
  if (coins !== undefined) {
    const { cipherText, sharedSecret } = loadMlKem768().encapsulate(publicKey, coins)
    return { sharedSecret, ciphertext: cipherText }
  }
  const key = createPublicKey({ key: publicKey, format: 'raw-public', asymmetricKeyType: 'ml-kem-768' })
  const { sharedKey, ciphertext } = encapsulate(key)
  return { sharedSecret: plainView(sharedKey), ciphertext: plainView(ciphertext) }
}
