/** The cryptographic driver: native where it loads. Only the chosen one is loaded. */
import type { CryptoProvider } from '@blocktree/crypto'

export async function chooseCrypto(wanted: 'auto' | 'native' | 'portable'): Promise<CryptoProvider> {
  if (wanted === 'portable') return (await import('@blocktree/crypto/portable')).createPortableProvider()
  return (await import('@blocktree/crypto/native')).createNativeProvider()
}
