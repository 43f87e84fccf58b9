/** The secret side of a transport key, for the drivers over real sockets. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { transportKeyBytes } from './peer-id.ts'

export interface TransportIdentity {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
}

// RFC 8410: version 0, algorithm 1.3.101.112, an OCTET STRING of 34 bytes with one of 32 in it
const privateKeyHead = Uint8Array.from(Buffer.from('302e020100300506032b657004220420', 'hex'))

/** @param seed 32 secret bytes (RFC 8032); not kept */
export function openTransportIdentity(seed: Uint8Array): TransportIdentity {
  if (seed.length !== transportKeyBytes) {
    throw new RangeError(`the seed of a transport key has ${transportKeyBytes} bytes, not ${seed.length}`)
  }
  const der = Buffer.concat([privateKeyHead, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  const publicKey = readPublicKey(createPublicKey(privateKey))
  if (publicKey === undefined) throw new TypeError('no Ed25519 key')
  return { publicKey, privateKey }
}

/** The 32 bytes of an Ed25519 key; undefined for a key of another kind. */
export function readPublicKey(key: KeyObject): Uint8Array | undefined {
  if (key.asymmetricKeyType !== 'ed25519') return undefined
  const { x } = key.export({ format: 'jwk' })
  return x === undefined ? undefined : Uint8Array.from(Buffer.from(x, 'base64url'))
}
