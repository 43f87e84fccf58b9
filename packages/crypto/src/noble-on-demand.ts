/**
 * noble for the two things neither OpenSSL nor libsodium offers here: the subgroup test without libsodium, and ML-KEM
 * encapsulation with given coins (vectors). Loading it costs 20 to 30 ms, so it is required at first use, never at start.
 */
import { createRequire } from 'node:module'
import type { ed25519 as Ed25519 } from '@noble/curves/ed25519.js'
import type { ml_kem768 as MlKem768 } from '@noble/post-quantum/ml-kem.js'

const require: NodeJS.Require = createRequire(import.meta.url)

export function loadEd25519(): typeof Ed25519 {
  const module = require('@noble/curves/ed25519.js') as { ed25519: typeof Ed25519 }
  return module.ed25519
}

export function loadMlKem768(): typeof MlKem768 {
  const module = require('@noble/post-quantum/ml-kem.js') as { ml_kem768: typeof MlKem768 }
  return module.ml_kem768
}
