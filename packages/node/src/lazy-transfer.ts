/** Import and export of directories, loaded when first used: a node that never imports pays nothing for it. */
import type { FileSealer } from '@blocktree/files'
import type { Transfer, TransferOptions } from './transfer/transfer.ts'

export interface LazyTransfer {
  get(): Promise<Transfer>
  /** Seals nothing before it is loaded, which the first batch brings about. */
  readonly sealer: FileSealer
  close(): Promise<void>
}

export function createLazyTransfer(options: TransferOptions): LazyTransfer {
  let loading: Promise<Transfer> | undefined
  let loaded: Transfer | undefined
  const get = (): Promise<Transfer> =>
    (loading ??= import('./transfer/transfer.ts').then(({ createTransfer }) => {
      loaded = createTransfer(options)
      return loaded
    }))
  return {
    get,
    sealer: {
      seal(actor, batch) {
        if (loaded === undefined) get().catch(() => undefined) // the next import tells why it cannot be loaded
        return loaded?.sealer.seal(actor, batch)
      }
    },
    async close() {
      const transfer = await loading?.catch(() => undefined)
      await transfer?.close()
    }
  }
}
