/** Import and export of directories, loaded when first used: a node that never imports pays nothing for it. */
import type { Transfer, TransferOptions } from './transfer/transfer.ts'

export interface LazyTransfer {
  get(): Promise<Transfer>
  close(): Promise<void>
}

export function createLazyTransfer(options: TransferOptions): LazyTransfer {
  let loaded: Promise<Transfer> | undefined
  return {
    get: () =>
      (loaded ??= import('./transfer/transfer.ts').then(({ createTransfer }) => createTransfer(options))),
    async close() {
      const transfer = await loaded?.catch(() => undefined)
      await transfer?.close()
    }
  }
}
