/** Puts blocks into a store as fast as it can and says which ones it was told are kept; killed by the test. */
import { blockForTest } from './numbered-block.ts'
import { openBlockStore } from '@blocktree/eris-store'

const [url = '', from = '0'] = process.argv.slice(2)
const store = await openBlockStore(url)
let next = Number(from)

async function putOneByOne(): Promise<void> {
  for (;;) {
    const seed = next++
    await store.put(blockForTest(seed))
    process.stdout.write(`${seed}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, putOneByOne))
