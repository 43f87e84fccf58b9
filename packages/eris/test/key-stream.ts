/** The large contents of the specification: a ChaCha20 key stream under the hash of a name. */
import { createCipheriv } from 'node:crypto'
import { createPortableBlockKernel } from '@blocktree/crypto/block-kernel'

export function* keyStream(name: string, length: number): Generator<Uint8Array> {
  const key = createPortableBlockKernel().hash(new TextEncoder().encode(name))
  const cipher = createCipheriv('chacha20', key, new Uint8Array(16))
  const zeros = new Uint8Array(1 << 20)
  for (let made = 0; made < length; made += zeros.length) {
    yield cipher.update(zeros.subarray(0, Math.min(zeros.length, length - made)))
  }
}
