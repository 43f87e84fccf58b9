/** Which tree a bundle is of, told by its first frame: for a node that holds several trees and has to choose one. */
import type { CryptoProvider } from '@blocktree/crypto'
import type { Id } from '@blocktree/tree'
import { BundleDecoder } from './bundle-frame.ts'

export interface BundleStart {
  /** undefined when the stream ended before it said so. */
  readonly tree: Id | undefined
  /** The whole stream, its beginning included; to be read once. */
  readonly chunks: AsyncGenerator<Uint8Array>
}

/** Reads as much as is needed and no more. @throws ERR_BUNDLE_FORMAT when it does not begin like a bundle */
export async function readBundleStart(
  crypto: CryptoProvider,
  source: AsyncIterable<Uint8Array>
): Promise<BundleStart> {
  const decoder = new BundleDecoder(crypto)
  const iterator = source[Symbol.asyncIterator]()
  const read: Uint8Array[] = []
  try {
    while (decoder.tree === undefined) {
      const next = await iterator.next()
      if (next.done === true) break
      read.push(next.value)
      decoder.push(next.value)
    }
  } catch (error) {
    await iterator.return?.()
    throw error
  }
  return { tree: decoder.tree, chunks: replay(read, iterator) }
}

async function* replay(
  read: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>
): AsyncGenerator<Uint8Array> {
  try {
    yield* read
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
