/**
 * AES-256-GCM and ChaCha20-Poly1305 on Node. OpenSSL is the faster at size, but a call costs it about 4 us; libsodium
 * writes ciphertext and tag straight into our buffer, so it takes ChaCha20-Poly1305 up to the measured crossover.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { expectAeadArguments } from './argument-check.ts'
import { type AeadCode, type CryptoProvider, aead, aeadTagBytes } from './crypto-provider.ts'
import { plainView } from './plain-view.ts'
import type { Sodium } from './sodium.ts'

const sodiumBytesMax = 49_152 // crossover of ChaCha20-Poly1305 between libsodium and OpenSSL (ADR 0002)
const tagOption = { authTagLength: aeadTagBytes } as const

export function createNativeAead(sodium: Sodium | undefined): Pick<CryptoProvider, 'aeadSeal' | 'aeadOpen'> {
  const goesToSodium = (code: AeadCode, length: number): boolean =>
    code === aead.chacha20Poly1305 && length <= sodiumBytesMax
  return {
    aeadSeal(code, key, nonce, associated, plaintext) {
      expectAeadArguments(code, key, nonce)
      return sodium !== undefined && goesToSodium(code, plaintext.length)
        ? sealWithSodium(sodium, key, nonce, associated, plaintext)
        : sealWithOpenSsl(code, key, nonce, associated, plaintext)
    },
    aeadOpen(code, key, nonce, associated, sealed) {
      expectAeadArguments(code, key, nonce)
      if (sealed.length < aeadTagBytes) return undefined
      return sodium !== undefined && goesToSodium(code, sealed.length)
        ? openWithSodium(sodium, key, nonce, associated, sealed)
        : openWithOpenSsl(code, key, nonce, associated, sealed)
    }
  }
}

function sealWithSodium(
  sodium: Sodium,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  plaintext: Uint8Array
): Uint8Array {
  const sealed = new Uint8Array(plaintext.length + aeadTagBytes)
  const result = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plaintext, associated, nonce, key)
  if (result < 0) throw new Error('libsodium could not encrypt') // cannot happen for inputs of these sizes
  return sealed
}

function openWithSodium(
  sodium: Sodium,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array
): Uint8Array | undefined {
  const plaintext = new Uint8Array(sealed.length - aeadTagBytes)
  const result = sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, sealed, associated, nonce, key)
  return result < 0 ? undefined : plaintext
}

function sealWithOpenSsl(
  code: AeadCode,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  plaintext: Uint8Array
): Uint8Array {
  const cipher =
    code === aead.aes256Gcm
      ? createCipheriv('aes-256-gcm', key, nonce, tagOption)
      : createCipheriv('chacha20-poly1305', key, nonce, tagOption)
  cipher.setAAD(associated, { plaintextLength: plaintext.length })
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  const sealed = plainView(Buffer.allocUnsafeSlow(plaintext.length + aeadTagBytes))
  sealed.set(ciphertext)
  sealed.set(cipher.getAuthTag(), plaintext.length)
  return sealed
}

function openWithOpenSsl(
  code: AeadCode,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array
): Uint8Array | undefined {
  const tagOffset = sealed.length - aeadTagBytes
  const decipher =
    code === aead.aes256Gcm
      ? createDecipheriv('aes-256-gcm', key, nonce, tagOption)
      : createDecipheriv('chacha20-poly1305', key, nonce, tagOption)
  decipher.setAAD(associated, { plaintextLength: tagOffset })
  decipher.setAuthTag(sealed.subarray(tagOffset))
  const plaintext = decipher.update(sealed.subarray(0, tagOffset))
  try {
    decipher.final()
  } catch {
    plaintext.fill(0)
    return undefined
  }
  return plainView(plaintext)
}
