/**
 * The `IndexDriver` port over LevelDB. Its checks are not trusted: the logs and the manifest are verified before
 * they are opened, and so are tables: all of them when the last process crashed, for LevelDB ends the process when
 * it meets some kinds of damage; else the newest, the others by `scrub`. An existing directory is never opened with `createIfMissing`, which deletes
 * the old tables when CURRENT is lost.
 */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import type { IndexDamage, IndexDriver, IndexScan, IndexStore } from './index-store.ts'
import { verifyLevelLog, verifyLevelTable } from './level-verification.ts'
import { systemCode } from './store-error.ts'

type Database = Level<Uint8Array, Uint8Array>
const pageRows = 200
const scrubPauseMs = 10 // one table of 2 MiB takes about 5 ms: others get two thirds of the time
const settleMs = 200
const openingTableBytes = 32 * 1024 * 1024 // read in about 50 ms

/** @param directory made when needed; nothing but the index may be in it */
export function createLevelIndex(directory: string): IndexDriver {
  return {
    async open(thorough = false) {
      const names = namesIn(directory)
      if (names.length === 0) return 'missing'
      const damage = verifyLogs(directory, names) ?? verifyTables(directory, names, thorough)
      if (damage !== undefined) return damage
      const database = makeDatabase(directory, false)
      try {
        await database.open()
      } catch (error) {
        if (isLocked(error)) throw error
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
      const names = namesIn(directory)
      const damage = verifyLogs(directory, names)
      if (damage !== undefined) yield damage
      for (const name of names) {
        if (signal?.aborted === true) return
        if (!isTable(name)) continue
        const found = await verifySettled(directory, name)
        if (found !== undefined) yield found
        await pause(scrubPauseMs)
      }
    },
    bytes: () => namesIn(directory).reduce((sum, name) => sum + sizeOf(join(directory, name)), 0)
  }
}

function makeDatabase(directory: string, create: boolean): Database {
  const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const
  return new Level(directory, { ...encodings, createIfMissing: create, errorIfExists: create, compression: false })
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

/** The manifest in use and every write log; the batches of successive logs must follow each other. */
function verifyLogs(directory: string, names: readonly string[]): IndexDamage | undefined {
  const current = readOptional(join(directory, 'CURRENT'))
  const manifest = current === undefined ? undefined : Buffer.from(current).toString('latin1')
  if (manifest === undefined || !/^MANIFEST-\d{6,}\n$/.test(manifest)) {
    return { file: 'index/CURRENT', offset: 0, problem: 'it does not name a manifest' }
  }
  const manifestName = manifest.trimEnd()
  const content = readOptional(join(directory, manifestName))
  if (content === undefined) return { file: `index/${manifestName}`, offset: 0, problem: 'it is missing' }
  const verdict = verifyLevelLog(`index/${manifestName}`, content, false)
  if (verdict.damage !== undefined) return verdict.damage
  let next: bigint | undefined
  for (const name of names.filter((name) => /^\d+\.log$/.test(name))) {
    const log = readOptional(join(directory, name)) // gone when LevelDB has just replaced it
    if (log === undefined) continue
    const { damage, sequence } = verifyLevelLog(`index/${name}`, log, true)
    if (damage !== undefined) return damage
    if (sequence !== undefined && next !== undefined && sequence.first > next) {
      return { file: `index/${name}`, offset: 0, problem: 'writes before this log are missing' }
    }
    next = sequence?.next ?? next
  }
  return undefined
}

/** Tables, newest first: those are the ones that LevelDB reads and rewrites next. */
function verifyTables(directory: string, names: readonly string[], thorough: boolean): IndexDamage | undefined {
  let left = thorough ? Number.MAX_SAFE_INTEGER : openingTableBytes
  for (const name of names.filter(isTable).reverse()) {
    left -= sizeOf(join(directory, name))
    if (left < 0) return undefined
    const damage = verifyTable(directory, name)
    if (damage !== undefined) return damage
  }
  return undefined
}

function isTable(name: string): boolean {
  return /^\d+\.(ldb|sst)$/.test(name)
}

/** A table that looks damaged may be one that LevelDB is still writing: it is looked at twice more. */
async function verifySettled(directory: string, name: string): Promise<IndexDamage | undefined> {
  let found = verifyTable(directory, name)
  for (let round = 0; round < 2 && found !== undefined; round++) {
    await pause(settleMs)
    found = verifyTable(directory, name)
  }
  return found
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

function verifyTable(directory: string, name: string): IndexDamage | undefined {
  const path = join(directory, name)
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined // compacted away
    throw error
  }
  try {
    return verifyLevelTable(`index/${name}`, fstatSync(descriptor).size, (offset, length) => {
      const buffer = Buffer.allocUnsafe(length)
      return buffer.subarray(0, readSync(descriptor, buffer, 0, length, offset))
    })
  } finally {
    closeSync(descriptor)
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

function readOptional(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && systemCode(error.cause) === 'LEVEL_LOCKED'
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
