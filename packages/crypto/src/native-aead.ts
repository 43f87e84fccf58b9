/**
 * AES-256-GCM and ChaCha20-Poly1305 on Node. OpenSSL is the faster at size, but a call costs it about 4 us; libsodium
 * writes ciphertext and tag straight into our buffer, so it takes ChaCha20-Poly1305 up to the measured crossover.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { expectAeadArguments, expectLength } from './argument-check.ts'
import { type AeadCode, type CryptoProvider, aead, aeadTagBytes } from './crypto-provider.ts'
import { plainView } from './plain-view.ts'
import type { NewBytes } from './result-room.ts'
import type { Sodium } from './sodium.ts'
import { wipe } from './wipe.ts'

const sodiumBytesMax = 49_152 // crossover of ChaCha20-Poly1305 between libsodium and OpenSSL (ADR 0002)
const tagOption = { authTagLength: aeadTagBytes } as const

type Aead = Pick<CryptoProvider, 'aeadSeal' | 'aeadSealInto' | 'aeadOpen'>

export function createNativeAead(sodium: Sodium | undefined, newBytes: NewBytes): Aead {
  const goesToSodium = (code: AeadCode, length: number): boolean =>
    code === aead.chacha20Poly1305 && length <= sodiumBytesMax

  const sealInto = (code: AeadCode, inputs: AeadInputs, plaintext: Uint8Array, target: Uint8Array): void => {
    if (sodium !== undefined && goesToSodium(code, plaintext.length)) {
      sealWithSodium(sodium, inputs, plaintext, target)
    } else {
      sealWithOpenSsl(code, inputs, plaintext, target)
    }
  }

  return {
    aeadSeal(code, key, nonce, associated, plaintext) {
      expectAeadArguments(code, key, nonce)
      const target = allocate(plaintext.length + aeadTagBytes, newBytes)
      sealInto(code, { key, nonce, associated }, plaintext, target)
      return target
    },
    aeadSealInto(code, key, nonce, { associated, plaintext, target }) {
      expectAeadArguments(code, key, nonce)
      expectLength('AEAD target', target, plaintext.length + aeadTagBytes)
      sealInto(code, { key, nonce, associated }, plaintext, target)
    },
    aeadOpen(code, key, nonce, associated, sealed) {
      expectAeadArguments(code, key, nonce)
      if (sealed.length < aeadTagBytes) return undefined
      return sodium !== undefined && goesToSodium(code, sealed.length)
        ? openWithSodium(sodium, { key, nonce, associated }, sealed, newBytes)
        : openWithOpenSsl(code, { key, nonce, associated }, sealed)
    }
  }
}

interface AeadInputs {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly associated: Uint8Array
}

const zeroedBytesMax = 4096 // below, zeroing costs less than the two objects of an unzeroed Buffer

/** Unzeroed at size, since every byte is written. */
function allocate(length: number, newBytes: NewBytes): Uint8Array {
  return length <= zeroedBytesMax ? newBytes(length) : plainView(Buffer.allocUnsafeSlow(length))
}

function sealWithSodium(sodium: Sodium, inputs: AeadInputs, plaintext: Uint8Array, target: Uint8Array): void {
  const { key, nonce, associated } = inputs
  const result = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(target, plaintext, associated, nonce, key)
  if (result < 0) throw new Error('libsodium could not encrypt') // cannot happen for inputs of these sizes
}

function openWithSodium(
  sodium: Sodium,
  inputs: AeadInputs,
  sealed: Uint8Array,
  newBytes: NewBytes
): Uint8Array | undefined {
  const { key, nonce, associated } = inputs
  const plaintext = allocate(sealed.length - aeadTagBytes, newBytes)
  const result = sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, sealed, associated, nonce, key)
  return result < 0 ? undefined : plaintext
}

function sealWithOpenSsl(
  code: AeadCode,
  inputs: AeadInputs,
  plaintext: Uint8Array,
  target: Uint8Array
): void {
  const { key, nonce, associated } = inputs
  const cipher =
    code === aead.aes256Gcm
      ? createCipheriv('aes-256-gcm', key, nonce, tagOption)
      : createCipheriv('chacha20-poly1305', key, nonce, tagOption)
  cipher.setAAD(associated, { plaintextLength: plaintext.length })
  target.set(cipher.update(plaintext))
  cipher.final()
  target.set(cipher.getAuthTag(), plaintext.length)
}

function openWithOpenSsl(code: AeadCode, inputs: AeadInputs, sealed: Uint8Array): Uint8Array | undefined {
  const { key, nonce, associated } = inputs
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
    wipe(plaintext) // unauthenticated bytes reach nobody
    return undefined
  }
  return plainView(plaintext)
}
