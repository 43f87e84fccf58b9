/** The native cryptography with all chance from a seed, encapsulation too. */
import type { CryptoProvider } from '@blocktree/crypto'
import type { SeededRandom } from '@blocktree/crypto/seeded-random'

const encapsulationBytes = 64

export function seededCrypto(native: CryptoProvider, random: SeededRandom): CryptoProvider {
  return {
    ...native,
    random,
    encapsulate: (publicKey, randomness) =>
      native.encapsulate(publicKey, randomness ?? random.bytes(encapsulationBytes))
  }
}
