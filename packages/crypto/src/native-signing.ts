/**
 * Ed25519 on Node, under the one rule of doc/spec/03-cryptography.md, section 5. libsodium signs and verifies twice as
 * fast as OpenSSL; both are cofactorless and compare the bytes of R, so only the edges of R and S are checked here.
 */
import { type KeyObject, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { expectLength, keyBytes } from './argument-check.ts'
import { CryptoError } from './crypto-error.ts'
import { type CryptoProvider, type SigningKey, signatureBytes } from './crypto-provider.ts'
import { loadEd25519 } from './noble-on-demand.ts'
import { plainView } from './plain-view.ts'
import type { NewBytes } from './result-room.ts'
import { hasValidSignatureShape } from './signature-rule.ts'
import { type Sodium, verifyWithSodium } from './sodium.ts'
import { wipe } from './wipe.ts'

type Signing = Pick<CryptoProvider, 'signingKey' | 'isSigningPublicKey' | 'verify'>

export function createNativeSigning(sodium: Sodium | undefined, newBytes: NewBytes): Signing {
  return sodium === undefined ? openSslSigning : sodiumSigning(sodium, newBytes)
}

function sodiumSigning(sodium: Sodium, newBytes: NewBytes): Signing {
  return {
    signingKey: (seed) => new SodiumSigningKey(sodium, newBytes, seed),
    isSigningPublicKey: (publicKey) =>
      publicKey.length === keyBytes && sodium.crypto_core_ed25519_is_valid_point(publicKey),
    verify: (publicKey, message, signature) =>
      publicKey.length === keyBytes &&
      hasValidSignatureShape(signature) &&
      verifyWithSodium(sodium, publicKey, message, signature)
  }
}

const openSslSigning: Signing = {
  signingKey: (seed) => new OpenSslSigningKey(seed),
  isSigningPublicKey: isPrimeOrderPoint,
  verify(publicKey, message, signature) {
    if (publicKey.length !== keyBytes || !hasValidSignatureShape(signature)) return false
    const key = createPublicKey({ key: publicKey, format: 'raw-public', asymmetricKeyType: 'ed25519' })
    return verify(null, message, key, signature)
  }
}

/** OpenSSL has no subgroup test, so noble does it: about 1 ms, once per principal. */
function isPrimeOrderPoint(publicKey: Uint8Array): boolean {
  if (publicKey.length !== keyBytes) return false
  const { Point } = loadEd25519()
  try {
    const point = Point.fromBytes(publicKey)
    return !point.is0() && point.isTorsionFree()
  } catch {
    return false
  }
}

class SodiumSigningKey implements SigningKey {
  readonly publicKey: Uint8Array
  readonly #sodium: Sodium
  readonly #newBytes: NewBytes
  readonly #secretKey: Uint8Array // seed | public key
  #closed = false

  constructor(sodium: Sodium, newBytes: NewBytes, seed: Uint8Array) {
    expectLength('signing seed', seed, keyBytes, 'ERR_KEY_INVALID')
    this.#sodium = sodium
    this.#newBytes = newBytes
    this.publicKey = new Uint8Array(keyBytes)
    this.#secretKey = new Uint8Array(2 * keyBytes)
    sodium.crypto_sign_seed_keypair(this.publicKey, this.#secretKey, seed)
  }

  sign(message: Uint8Array): Uint8Array {
    this.#expectOpen()
    const signature = this.#newBytes(signatureBytes)
    this.#sodium.crypto_sign_detached(signature, message, this.#secretKey)
    return signature
  }

  exportSeed(): Uint8Array {
    this.#expectOpen()
    return this.#secretKey.slice(0, keyBytes)
  }

  close(): void {
    this.#closed = true
    wipe(this.#secretKey)
  }

  #expectOpen(): void {
    if (this.#closed) throw new CryptoError('ERR_KEY_CLOSED', 'signing key is closed, open it again')
  }
}

/** OpenSSL holds a copy of its own in the KeyObject, which it cleanses when that is collected. */
class OpenSslSigningKey implements SigningKey {
  readonly publicKey: Uint8Array
  readonly #seed: Uint8Array
  #key: KeyObject | undefined

  constructor(seed: Uint8Array) {
    expectLength('signing seed', seed, keyBytes, 'ERR_KEY_INVALID')
    this.#seed = Uint8Array.from(seed)
    this.#key = createPrivateKey({ key: this.#seed, format: 'raw-private', asymmetricKeyType: 'ed25519' })
    this.publicKey = plainView(createPublicKey(this.#key).export({ format: 'raw-public' }))
  }

  sign(message: Uint8Array): Uint8Array {
    return plainView(sign(null, message, this.#openKey()))
  }

  exportSeed(): Uint8Array {
    this.#openKey()
    return Uint8Array.from(this.#seed)
  }

  close(): void {
    this.#key = undefined
    wipe(this.#seed)
  }

  #openKey(): KeyObject {
    if (this.#key === undefined)
      throw new CryptoError('ERR_KEY_CLOSED', 'signing key is closed, open it again')
    return this.#key
  }
}
