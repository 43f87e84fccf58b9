/** The primitives of X-Wing from noble. */
import { x25519 } from '@noble/curves/ed25519.js'
import { sha3_256, shake256 } from '@noble/hashes/sha3.js'
import { randomBytes } from '@noble/hashes/utils.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { wipe } from './wipe.ts'
import type { SecretHalf, XWingPrimitives } from './x-wing.ts'

export const portableXWingPrimitives: XWingPrimitives = {
  shake256: (message, length) => shake256(message, { dkLen: length }),
  sha3: (message) => sha3_256(message),
  x25519Key,
  mlKemKey,
  mlKemEncapsulate(publicKey, coins) {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, coins)
    return { sharedSecret, ciphertext: cipherText }
  },
  randomBytes: (length) => randomBytes(length)
}

/** noble refuses to give the all-zero secret of a low-order point; X-Wing goes on with it. */
function x25519Key(secret: Uint8Array): SecretHalf {
  const held = Uint8Array.from(secret)
  return {
    publicKey: x25519.getPublicKey(held),
    open(received) {
      try {
        return x25519.getSharedSecret(held, received)
      } catch {
        return new Uint8Array(32)
      }
    },
    close: () => wipe(held)
  }
}

function mlKemKey(seed: Uint8Array): SecretHalf {
  const { publicKey, secretKey } = ml_kem768.keygen(Uint8Array.from(seed))
  return {
    publicKey,
    open: (ciphertext) => ml_kem768.decapsulate(ciphertext, secretKey),
    close: () => wipe(secretKey)
  }
}
