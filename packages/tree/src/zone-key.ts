/**
 * Zone keys: 32 random bytes of an epoch, and the keys derived from them that seal other zone keys (B.5). Every
 * derived key seals exactly one value, so the nonce is zero.
 */
import { concatBytes, equalBytes } from '@blocktree/codec'
import { type AeadCode, type CryptoProvider, aead } from '@blocktree/crypto'
import { bigEndian32, domain, expandCounter, zeroNonce } from './domain.ts'
import type { EpochBody, Id } from './records.ts'
import { TreeError } from './tree-error.ts'

export const zoneKeyBytes = 32
export const sealedKeyBytes: number = zoneKeyBytes + 16

/** What the sealed keys of an epoch are bound to. */
export type EpochContext = Pick<EpochBody, 'tree' | 'zone' | 'number' | 'keyCommitment'>

/** `zkc`, the public commitment to a zone key. */
export function zoneKeyCommitment(crypto: CryptoProvider, key: Uint8Array): Uint8Array {
  return crypto.sha256Parts([domain.zoneKeyCommitment, key])
}

/** ERR_ZONE_KEY unless `key` is the key that the epoch commits to. */
export function checkZoneKey(
  crypto: CryptoProvider,
  epoch: Pick<EpochBody, 'keyCommitment'>,
  key: Uint8Array
): void {
  if (!equalBytes(zoneKeyCommitment(crypto, key), epoch.keyCommitment)) {
    throw new TreeError('ERR_ZONE_KEY', 'the key is not the one that the epoch commits to')
  }
}

/** @returns the AEAD of a suite code; ERR_RECORD_UNKNOWN_FORMAT for any other */
export function suiteAead(suite: number): AeadCode {
  if (suite === aead.aes256Gcm || suite === aead.chacha20Poly1305) return suite
  throw new TreeError('ERR_RECORD_UNKNOWN_FORMAT', `suite ${suite} is not known here`)
}

/** The key, under the new zone key, that seals the key of the previous epoch `previous`. */
export function pastKey(crypto: CryptoProvider, zoneKey: Uint8Array, previous: Id): Uint8Array {
  return crypto.hmacSha256(zoneKey, [domain.pastKey, previous, expandCounter])
}

/** The key, under the outer zone's key, that seals the zone key of an inheriting zone. */
export function childKey(crypto: CryptoProvider, parentKey: Uint8Array, context: EpochContext): Uint8Array {
  return crypto.hmacSha256(parentKey, [
    domain.childKey,
    context.zone,
    bigEndian32(context.number),
    context.keyCommitment,
    expandCounter
  ])
}

export function epochAssociatedData(context: EpochContext): Uint8Array {
  return concatBytes(context.tree, context.zone, bigEndian32(context.number), context.keyCommitment)
}

/** @param key used for this one value and never again */
export function sealKey(
  crypto: CryptoProvider,
  code: AeadCode,
  key: Uint8Array,
  associated: Uint8Array,
  secret: Uint8Array
): Uint8Array {
  return crypto.aeadSeal(code, key, zeroNonce, associated, secret)
}

/** undefined when the tag does not match. */
export function openKey(
  crypto: CryptoProvider,
  code: AeadCode,
  key: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array
): Uint8Array | undefined {
  return crypto.aeadOpen(code, key, zeroNonce, associated, sealed)
}
