import { expect, test } from 'vitest'
import { aead } from '../src/index.ts'
import { createNativeProvider } from '../src/native.ts'

test('the example of the README seals to a key and opens', () => {
  const crypto = createNativeProvider()
  const alice = crypto.decapsulationKey(crypto.random.bytes(32))
  const { sharedSecret, ciphertext } = crypto.encapsulate(alice.publicKey)
  const nonce = new Uint8Array(12)
  const sealed = crypto.aeadSeal(aead.aes256Gcm, sharedSecret, nonce, ciphertext, new Uint8Array([1, 2, 3]))
  const key = alice.decapsulate(ciphertext)
  const opened = crypto.aeadOpen(aead.aes256Gcm, key, nonce, ciphertext, sealed)
  alice.close()
  expect(opened).toEqual(new Uint8Array([1, 2, 3]))
})
