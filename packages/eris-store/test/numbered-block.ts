/** Blocks that a number stands for; large ones now and then. */
import { type Block, nameBlock } from '@blocktree/eris'
import { hashing } from '../src/hashing.ts'

export function blockForTest(seed: number): Block {
  const bytes = new Uint8Array(seed % 5 === 0 ? 32_768 : 1024)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < bytes.length; at += 4) view.setUint32(at, Math.imul(seed + 1, 2_654_435_761) + at)
  return nameBlock(hashing, bytes)
}
