/**
 * The `IndexDriver` port over LevelDB. Its checks are not trusted: the logs and the manifest are verified before
 * they are opened, and so are tables: all of them when the last process crashed, for LevelDB ends the process when
 * it meets some kinds of damage; else the newest, the others by `scrub`. An existing directory is never opened with
 * `createIfMissing`, which deletes the old tables when CURRENT is lost.
 */
import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { Level } from 'level'
import type { IndexDriver, IndexScan, IndexStore } from './index-store.ts'
import { isIndexDamage } from './index-store.ts'
import { filesOf, levelBytes, verifyLogs, verifyTable, verifyTables } from './level-files.ts'
import { StoreError, systemCode } from './store-error.ts'

type Database = Level<Uint8Array, Uint8Array>
const pageRows = 200
const writeBufferBytes = 8 * 1024 * 1024 // half as many rewritten rows as with 4 in bulk; a log of that length is read at opening
const openTablesMax = 100 // mapped tables of 2 MiB count as resident memory; one that is closed is opened in 0.1 ms
const scrubPauseMs = 10 // one table of 2 MiB takes about 5 ms: others get two thirds of the time
const openingTableBytes = 16 * 1024 * 1024 // read in about 30 ms

/** @param directory made when needed; nothing but the index may be in it */
export function createLevelIndex(directory: string): IndexDriver {
  return {
    async open(thorough = false) {
      const files = filesOf(directory)
      if (files === 'missing' || isIndexDamage(files)) return files
      const tableBytes = thorough ? Number.MAX_SAFE_INTEGER : openingTableBytes
      const damage = verifyLogs(directory, files) ?? verifyTables(directory, files, tableBytes)
      if (damage !== undefined) return damage
      const database = makeDatabase(directory, false)
      try {
        await database.open()
      } catch (error) {
        if (isLocked(error)) {
          throw new StoreError('ERR_STORE_LOCKED', 'the index is open in another process; stop it first', {
            cause: error
          })
        }
        return { file: 'index', offset: 0, problem: `LevelDB refuses to open it: ${describe(error)}` }
      }
      return wrap(database)
    },
    async create() {
      rmSync(directory, { recursive: true, force: true })
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const database = makeDatabase(directory, true)
      await database.open()
      return wrap(database)
    },
    async *scrub(signal) {
      const files = filesOf(directory)
      if (files === 'missing') return
      if (isIndexDamage(files)) {
        yield files
        return
      }
      const damage = verifyLogs(directory, files)
      if (damage !== undefined) yield damage
      for (const [table, size] of files.tables) {
        if (signal?.aborted === true) return
        const found = verifyTable(directory, table, size)
        // Not there any more: rewritten since the manifest was read.
        if (found !== undefined && found !== 'missing') yield found
        await new Promise((resolve) => setTimeout(resolve, scrubPauseMs))
      }
    },
    bytes: () => levelBytes(directory)
  }
}

function makeDatabase(directory: string, create: boolean): Database {
  const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const
  return new Level(directory, {
    ...encodings,
    createIfMissing: create,
    errorIfExists: create,
    maxOpenFiles: openTablesMax,
    writeBufferSize: writeBufferBytes,
    compression: false
  })
}

function wrap(database: Database): IndexStore {
  return {
    get: (key) => database.getSync(key),
    range: (scan) => walk(database, scan),
    write(rows) {
      const batch = database.batch()
      for (const { key, value } of rows) {
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
      }
      return batch.write()
    },
    close: () => database.close()
  }
}

/** The iterator is made at the call: it is what fixes the rows. */
function walk(database: Database, scan: IndexScan): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
  const iterator = database.iterator({
    gte: scan.from,
    lt: scan.to,
    reverse: scan.reverse ?? false,
    limit: scan.limit ?? -1
  })
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const page = await iterator.nextv(Math.min(pageRows, scan.limit ?? pageRows))
          if (page.length === 0) return
          yield* page
        }
      } finally {
        await iterator.close()
      }
    }
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && systemCode(error.cause) === 'LEVEL_LOCKED'
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
