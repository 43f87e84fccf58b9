/** The key under which this node is reached: its own, not the principal's, so that the two change apart (MODEL A44). */
import { createPrincipalSecret, type CryptoProvider, type KeyStorage } from '@blocktree/crypto'
import type { Id } from '@blocktree/tree'

/** Name of its key file. */
export const transportKeyName = 'transport'

export interface TransportIdentity {
  /** The 32 secret bytes; the driver takes a copy. */
  readonly seed: Uint8Array
  readonly publicKey: Id
}

/** The stored key, made when there is none. */
export async function openTransportKey(keys: KeyStorage, crypto: CryptoProvider): Promise<TransportIdentity> {
  const held = await keys.open(transportKeyName)
  const secret = held ?? createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32))
  try {
    if (held === undefined) await keys.create(transportKeyName, secret)
    const seed = secret.signSeed.slice()
    const key = crypto.signingKey(seed)
    const publicKey = key.publicKey.slice()
    key.close()
    return { seed, publicKey }
  } finally {
    secret.close()
  }
}
