/**
 * Keys of the name index: a keyed hash of zone and name under a secret of this node, so that the index at rest tells
 * nothing of names without it. The zone is in the hash and the parent is not: equal names in two zones look
 * unrelated, while a move inside a zone, and an orphan shown under its zone root, keep their key.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import type { Id } from '@blocktree/tree'
import { idKey } from './id-key.ts'
import { LruCache } from './lru-cache.ts'

const domain: Uint8Array = new TextEncoder().encode('blocktree/local/name/1\0')
const keyBytes = 16
const cached = 1024 // a name is used twice at once, seldom again
const encoder = new TextEncoder()

export interface NameKeyMaker {
  /** 16 bytes for the name of a child in this zone. */
  keyOf(zone: Id, name: string): Uint8Array
}

/** @param secret 32 bytes, the same for the life of the index */
export function createNameKeyMaker(crypto: CryptoProvider, secret: Uint8Array): NameKeyMaker {
  const known = new LruCache<string, Uint8Array>(cached)
  return {
    keyOf(zone, name) {
      const cacheKey = idKey(zone) + name
      const before = known.get(cacheKey)
      if (before !== undefined) return before
      const key = nameKey(crypto, secret, zone, name)
      known.set(cacheKey, key)
      return key
    }
  }
}

/** The same for a worker that has no cache. */
export function nameKey(crypto: CryptoProvider, secret: Uint8Array, zone: Id, name: string): Uint8Array {
  return crypto.hmacSha256(secret, [domain, zone, encoder.encode(name)]).slice(0, keyBytes)
}
