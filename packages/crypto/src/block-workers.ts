/** The port of a block kernel on other threads, for content of many megabytes. The driver is ./native-block-workers.ts. */
import type { BlockBatch } from './block-kernel.ts'

export interface BlockWorkers extends AsyncDisposable {
  /** Batches that are worth having under way at a time. */
  readonly width: number

  /**
   * As `BlockKernel.seal`. The batch moves to a thread: its arrays cover whole buffers of their own, and are empty
   * afterwards; what comes back holds the result.
   * @throws ERR_CRYPTO_WORKER when a thread died or the workers were closed
   */
  seal(batch: BlockBatch, secret: Uint8Array | undefined): Promise<BlockBatch>

  /** As `BlockKernel.open`, with how many blocks were good. */
  open(batch: BlockBatch): Promise<{ readonly batch: BlockBatch; readonly good: number }>

  /** Ends the threads; what is under way rejects. */
  close(): Promise<void>
}
