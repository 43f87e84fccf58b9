import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { expect, test } from 'vitest'
import {
  type Block,
  encodeContent,
  formatUrn,
  nullSecret,
  putBlocks,
  readWhole,
  smallBlock
} from '../src/index.ts'
import { createMemoryStore } from '../src/memory-store.ts'

test('the example of the README gives the URN of the official vector, and the content back', async () => {
  const kernel = chooseBlockKernel()
  const store = createMemoryStore()
  const put = (blocks: readonly Block[]): Promise<void> => putBlocks(store, blocks)
  const content = new TextEncoder().encode('Hello world!')
  const { capability } = await encodeContent({ kernel, blockSize: smallBlock, secret: nullSecret(), put }, [
    content
  ])
  expect(formatUrn(capability)).toMatch(/^urn:eris:BIAD77QD/u)
  expect(new TextDecoder().decode(await readWhole({ kernel, store }, capability, 1024))).toBe('Hello world!')
})
