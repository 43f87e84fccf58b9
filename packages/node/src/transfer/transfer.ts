/**
 * Import and export of real directories: the one thing the node does in bulk. Everything is done in the name of an
 * actor; what it may not do is refused before any work (doc/adr/0010-bulk-transfer.md).
 */
import type { Actor, FileSealer, Files } from '@blocktree/files'
import type { DiskStore } from '@blocktree/store'
import { join } from 'node:path'
import type { ExportOptions } from './export-run.ts'
import { exportTree } from './export-tree.ts'
import type { ImportOptions } from './import-run.ts'
import { importTree } from './import-tree.ts'
import type { TransferControl, TransferParts } from './job.ts'
import { PoolSealer } from './seal-batches.ts'
import type { TransferReport } from './transfer-count.ts'
import { createWorkerPool } from './worker-pool.ts'

export interface TransferOptions {
  readonly files: Files
  readonly store: DiskStore
  /** The directory that the store was opened in. */
  readonly storeDirectory: string
  /** The data directory of the node: never imported. The store's when absent. */
  readonly dataDirectory?: string
  /** The secret of the name index, as given to `createFiles`. */
  readonly nameSecret: Uint8Array
  readonly workers?: number
}

export interface Transfer {
  /**
   * Takes a file or directory of the host into the tree: `destination` is what it becomes there. Files of the same
   * size and time are skipped, so an import that was cut short goes on where it ended. Resolves when all is durable.
   * @param source absolute path of the host
   * @throws ERR_PATH_LOCAL, ERR_ACCESS_DENIED, ERR_KEY_MISSING, ERR_STORE_FULL, ERR_TRANSFER_WORKER, the signal's reason
   */
  importTree(
    actor: Actor,
    source: string,
    destination: string,
    options?: ImportOptions,
    control?: TransferControl
  ): Promise<TransferReport>
  /**
   * Writes a file or directory of the tree to the host: `destination` is what it becomes there. Files of the same
   * size, time and mode are skipped. Nothing is written outside the destination, and no link in it is followed.
   * @param destination absolute path of the host; the directory that it is in must exist
   * @throws ERR_PATH_LOCAL, ERR_FILE_NOT_FOUND, ERR_ACCESS_DENIED, ERR_TRANSFER_WORKER, the signal's reason
   */
  exportTree(
    actor: Actor,
    source: string,
    destination: string,
    options?: ExportOptions,
    control?: TransferControl
  ): Promise<TransferReport>
  /** Seals new files in the workers while many are created. */
  readonly sealer: FileSealer
  /** Stops the workers; transfers that run fail with ERR_NODE_STOPPING. */
  close(): Promise<void>
}

export function createTransfer(options: TransferOptions): Transfer {
  const { files, store, storeDirectory, nameSecret } = options
  const pool = createWorkerPool({
    provider: files.context.crypto.name,
    storeDirectory,
    frameSalt: store.frameSalt,
    ...(options.workers === undefined ? {} : { workers: options.workers })
  })
  const dataDirectory = options.dataDirectory ?? join(storeDirectory, 'segments')
  const parts: TransferParts = { files, store, pool, nameSecret, dataDirectory }
  const sealer = new PoolSealer(parts)
  return {
    importTree: (actor, source, destination, choice = {}, control = {}) =>
      importTree(parts, actor, source, destination, choice, control),
    exportTree: (actor, source, destination, choice = {}, control = {}) =>
      exportTree(parts, actor, source, destination, choice, control),
    sealer,
    async close() {
      sealer.close()
      await pool.close()
    }
  }
}
