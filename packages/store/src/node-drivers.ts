/** The drivers of a store in a real directory. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createLevelIndex } from './level-index.ts'
import { createNodeFileSystem } from './node-file-system.ts'
import { createNodeProcesses } from './node-processes.ts'
import type { StoreDrivers } from './store-parts.ts'

/** @param directory absolute; made by `createStore` when it is missing */
export function nodeDrivers(directory: string): StoreDrivers {
  return {
    files: createNodeFileSystem(directory),
    index: createLevelIndex(join(directory, 'index')),
    processes: createNodeProcesses(),
    random: (length) => new Uint8Array(randomBytes(length))
  }
}
