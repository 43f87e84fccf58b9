/**
 * Block keys: derived from the zone key of an epoch, the block id and the block's key version; never stored (B.4).
 * A commitment in the header keeps anyone from handing out another key under which the same bytes would open.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { bigEndian32, domain, expandCounter } from './domain.ts'
import type { HeaderBody, Id } from './records.ts'
import { TreeError } from './tree-error.ts'

/** A key with its commitment (`kc`). Opens and seals the private part of headers, nothing else. */
export interface BlockKey {
  readonly bytes: Uint8Array // 32, secret
  readonly commitment: Uint8Array // 32, public
}

/** The key of `block` at `keyVersion` (kv) under the zone key of an epoch. */
export function blockKey(
  crypto: CryptoProvider,
  zoneKey: Uint8Array,
  block: Id,
  keyVersion: number
): BlockKey {
  const bytes = crypto.hmacSha256(zoneKey, [domain.blockKey, block, bigEndian32(keyVersion), expandCounter])
  return blockKeyFromBytes(crypto, bytes)
}

/** For a key that came by a delivery. */
export function blockKeyFromBytes(crypto: CryptoProvider, bytes: Uint8Array): BlockKey {
  return { bytes, commitment: crypto.sha256Parts([domain.blockKeyCommitment, bytes]) }
}

/** ERR_BLOCK_KEY unless `key` is the key that the header commits to. */
export function checkBlockKey(header: Pick<HeaderBody, 'keyCommitment'>, key: BlockKey): void {
  if (header.keyCommitment === undefined || !equalBytes(header.keyCommitment, key.commitment)) {
    throw new TreeError('ERR_BLOCK_KEY', 'the key is not the one that the header commits to')
  }
}
