/** The thread of ./native-block-workers.ts: seals and opens the batches that are sent to it, one after another. */
import { parentPort } from 'node:worker_threads'
import type { BlockBatch } from './block-kernel.ts'
import type { BlockAnswer, BlockTask } from './native-block-workers.ts'
import { chooseBlockKernel } from './native-choose-block-kernel.ts'

const kernel = chooseBlockKernel()

function run({ kind, batch, secret }: BlockTask): number {
  if (kind === 'open') return kernel.open(batch)
  kernel.seal(batch, secret)
  secret?.fill(0)
  return batch.blocks.length / batch.blockBytes
}

function answer(task: BlockTask): BlockAnswer {
  try {
    return { batch: task.batch, good: run(task) }
  } catch (error) {
    return { batch: task.batch, error: error instanceof Error ? error.message : String(error) }
  }
}

function buffersOf({ blocks, pairs }: BlockBatch): ArrayBuffer[] {
  return [blocks.buffer, pairs.buffer].filter((buffer) => buffer instanceof ArrayBuffer)
}

parentPort?.on('message', (task: BlockTask) => {
  const result = answer(task)
  parentPort?.postMessage(result, buffersOf(result.batch))
})
