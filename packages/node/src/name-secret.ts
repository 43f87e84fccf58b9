/** The secret of the name index: known to this node alone and the same for the life of its index, as it follows from its key. */
import type { CryptoProvider, KeyStorage } from '@blocktree/crypto'
import { NodeError } from './node-error.ts'
import { nodeKeyName } from './principal-directory.ts'

/** @throws ERR_DATA_INCOMPLETE when the key of the node is missing */
export async function deriveNameSecret(keys: KeyStorage, crypto: CryptoProvider): Promise<Uint8Array> {
  const secret = await keys.open(nodeKeyName)
  if (secret === undefined) {
    throw new NodeError(
      'ERR_DATA_INCOMPLETE',
      'the key of this node is missing; restore "keys/node.key" from a key backup'
    )
  }
  const derived = crypto.hmacSha256(secret.signSeed, [
    new TextEncoder().encode('blocktree/local/name-secret/1\0')
  ])
  secret.close()
  return derived
}
