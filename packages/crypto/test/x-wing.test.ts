import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js'
import { describe, expect, test } from 'vitest'
import { createNativeProvider } from '../src/native.ts'
import { nativeXWingPrimitives } from '../src/native-x-wing.ts'
import { portableXWingPrimitives } from '../src/portable-x-wing.ts'
import { hasWycheproofVectors, readWycheproof } from '../src/wycheproof-vectors.ts'

const drivers = [
  ['native', nativeXWingPrimitives],
  ['portable', portableXWingPrimitives]
] as const

const title = hasWycheproofVectors ? 'Wycheproof X25519' : 'Wycheproof X25519 (needs shared/vectors)'
describe.skipIf(!hasWycheproofVectors)(title, () => {
  test.for(drivers)('%s agrees on every shared secret, low-order points included', ([, primitives]) => {
    const cases = readWycheproof('x25519').flatMap((group) => group.cases)
    expect(cases.length).toBe(518)
    const differing = cases.filter((one) => {
      const key = primitives.x25519Key(one.bytes('private'))
      return key.open(one.bytes('public')).toHex() !== one.bytes('shared').toHex()
    })
    expect(differing.map((one) => `${one.id}: ${one.comment}`)).toEqual([])
  })
})

describe('X-Wing', () => {
  test('equals the hybrid that noble ships', () => {
    const crypto = createNativeProvider()
    for (let round = 0; round < 5; round++) {
      const seed = crypto.random.bytes(32)
      const randomness = crypto.random.bytes(64)
      const key = crypto.decapsulationKey(seed)
      expect(key.publicKey.toHex()).toBe(ml_kem768_x25519.getPublicKey(seed).toHex())
      const own = crypto.encapsulate(key.publicKey, randomness)
      const theirs = ml_kem768_x25519.encapsulate(key.publicKey, randomness)
      expect(own.ciphertext.toHex()).toBe(theirs.cipherText.toHex())
      expect(own.sharedSecret.toHex()).toBe(theirs.sharedSecret.toHex())
      const drawn = crypto.encapsulate(key.publicKey)
      expect(ml_kem768_x25519.decapsulate(drawn.ciphertext, seed).toHex()).toBe(drawn.sharedSecret.toHex())
    }
  })
})
