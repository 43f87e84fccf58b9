import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { describe, expect, test } from 'vitest'
import { formatPeerId, NetworkError, parsePeerId } from '@blocktree/network'
import { openTransportIdentity } from '../src/transport-identity.ts'

interface VectorFile {
  readonly groups: {
    readonly peerIds: readonly { readonly comment: string; readonly key: string; readonly text: string }[]
    readonly refusedPeerIds: readonly { readonly comment: string; readonly text: string }[]
  }
}

const { groups }: VectorFile = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../doc/spec/vectors/network.json'), 'utf8')
)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('peer id', () => {
  test.each(groups.peerIds)('in $comment', ({ key, text }) => {
    expect(hex(parsePeerId(text))).toBe(key)
    if (text.startsWith('1')) expect(formatPeerId(Uint8Array.from(Buffer.from(key, 'hex')))).toBe(text)
  })

  test.each(groups.refusedPeerIds)('is not read from $comment', ({ text }) => {
    expect(() => parsePeerId(text)).toThrow(expect.objectContaining({ code: 'ERR_NETWORK_ADDRESS_INVALID' }))
  })

  test('is the one that libp2p makes of the key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        const key = openTransportIdentity(seed).publicKey
        const peer = peerIdFromPublicKey(publicKeyFromRaw(key))
        expect(formatPeerId(key)).toBe(peer.toString())
        expect(hex(parsePeerId(peer.toCID().toString()))).toBe(hex(key))
      }),
      { numRuns: 20 }
    )
  })

  test('is the inverse of reading, and refuses keys of another length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        expect(hex(parsePeerId(formatPeerId(key)))).toBe(hex(key))
      })
    )
    expect(() => formatPeerId(new Uint8Array(31))).toThrow(NetworkError)
  })

  test('of any text throws nothing but our error', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => {
        try {
          parsePeerId(text)
        } catch (error) {
          expect(error).toBeInstanceOf(NetworkError)
        }
      })
    )
  })
})
