/**
 * The few libsodium functions that beat OpenSSL, loaded from the prebuilt add-on of sodium-native.
 * The add-on is opened directly: its JavaScript wrapper costs 14 ms at start, the add-on itself 1 to 2. Lengths are
 * therefore checked by the callers, and known answers are checked once after loading. Absent or wrong = undefined,
 * and OpenSSL does everything.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Raw calls of the add-on; every length must be right, nothing is checked below. */
export interface Sodium {
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): number
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): number
  crypto_sign_verify_detached(
    signature: ArrayBufferLike,
    signatureOffset: number,
    signatureLength: number,
    message: ArrayBufferLike,
    messageOffset: number,
    messageLength: number,
    publicKey: ArrayBufferLike,
    publicKeyOffset: number,
    publicKeyLength: number
  ): boolean
  crypto_core_ed25519_is_valid_point(point: Uint8Array): boolean
  crypto_hash_sha256(digest: Uint8Array, message: Uint8Array): number
  crypto_aead_chacha20poly1305_ietf_encrypt(
    ciphertext: Uint8Array,
    plaintext: Uint8Array,
    associated: Uint8Array | undefined,
    nonce: Uint8Array,
    key: Uint8Array
  ): number
  crypto_aead_chacha20poly1305_ietf_decrypt(
    plaintext: Uint8Array,
    ciphertext: Uint8Array,
    associated: Uint8Array | undefined,
    nonce: Uint8Array,
    key: Uint8Array
  ): number
}

/** The call of the add-on in the shape everybody expects. */
export function verifyWithSodium(
  sodium: Sodium,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array
): boolean {
  return sodium.crypto_sign_verify_detached(
    signature.buffer,
    signature.byteOffset,
    signature.byteLength,
    message.buffer,
    message.byteOffset,
    message.byteLength,
    publicKey.buffer,
    publicKey.byteOffset,
    publicKey.byteLength
  )
}

const functionNames = [
  'crypto_sign_seed_keypair',
  'crypto_sign_detached',
  'crypto_sign_verify_detached',
  'crypto_core_ed25519_is_valid_point',
  'crypto_hash_sha256',
  'crypto_aead_chacha20poly1305_ietf_encrypt',
  'crypto_aead_chacha20poly1305_ietf_decrypt'
] as const

let loaded: { readonly sodium: Sodium | undefined } | undefined

/** @returns the add-on, or undefined when it is not installed, does not load or fails its known answers */
export function loadSodium(): Sodium | undefined {
  loaded ??= { sodium: tryLoad() }
  return loaded.sodium
}

/** The add-on itself; throws when it is not installed or does not load. */
export function requireSodiumAddon(): unknown {
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve('sodium-native/package.json'))
  return require(join(folder, 'prebuilds', `${process.platform}-${process.arch}`, 'sodium-native.node'))
}

function tryLoad(): Sodium | undefined {
  try {
    const addon = requireSodiumAddon()
    return isSodium(addon) && givesKnownAnswers(addon) ? addon : undefined
  } catch {
    return undefined // an optional dependency: absence is a supported state
  }
}

function isSodium(addon: unknown): addon is Sodium {
  if (typeof addon !== 'object' || addon === null) return false
  return functionNames.every((name) => typeof Reflect.get(addon, name) === 'function')
}

/**
 * RFC 8032 test 1 must come out and verify, SHA-256 must be SHA-256, and a signature whose R carries a small-order component must be refused:
 * some versions of libsodium verify with the cofactor and would accept it.
 */
function givesKnownAnswers(sodium: Sodium): boolean {
  const publicKey = new Uint8Array(32)
  const secretKey = new Uint8Array(64)
  const signature = new Uint8Array(64)
  const message = new Uint8Array(0)
  const digest = new Uint8Array(32)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, fromHex(knownAnswer.seed))
  sodium.crypto_sign_detached(signature, message, secretKey)
  sodium.crypto_hash_sha256(digest, Buffer.from('abc'))
  return (
    toHex(digest) === knownAnswer.sha256OfAbc &&
    toHex(publicKey) === knownAnswer.publicKey &&
    toHex(signature) === knownAnswer.signature &&
    sodium.crypto_core_ed25519_is_valid_point(publicKey) &&
    verifyWithSodium(sodium, publicKey, message, signature) &&
    !verifyWithSodium(sodium, publicKey, message, fromHex(knownAnswer.torsionedSignature))
  )
}

const knownAnswer = {
  sha256OfAbc: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', // FIPS 180-4
  seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  signature:
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  torsionedSignature:
    'b15bf26424d1b69dd33b7a9e57db5de4a2aadea4a2a051efd9bfd6af74165d2b545bf1c62a0e82b437cd0978be835876dcb64ee1cb1b7aa25b401fc8e6556808'
} as const

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
