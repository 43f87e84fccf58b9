/**
 * Blocks in one SQLite database (doc/spec/26-coap-and-block-stores.md, section 5). Puts of the same moment share a
 * transaction, so many small blocks cost one sync of the disk; a process killed at any moment leaves whole blocks only.
 * Blocks lie in the order they came: references are random, and a table sorted by them is three times as slow to fill.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import {
  type Block,
  type BlockRequest,
  type BlockStore,
  ErisError,
  type StoreOptions,
  type StorePermissions,
  isBlockSize,
  toReference
} from '@blocktree/eris'
import { commitBlocksMax } from './limits.ts'
import { StoreGate } from './store-gate.ts'
import { storeErrorOf } from './system-error.ts'

const applicationId = 0x65_72_69_73 // "eris"
const formatVersion = 1
const pageBytes = 8192 // several small blocks fit, a large one is a chain of four
const fullCode = 13 // SQLITE_FULL
const damagedCodes: ReadonlySet<number> = new Set([11, 26]) // SQLITE_CORRUPT, SQLITE_NOTADB
const cacheKibibytes = 16_384
const listedAtOnce = 256

export interface SqliteStoreOptions {
  readonly permissions?: Partial<StorePermissions>
  /** Bytes of the database file at most; ERR_ERIS_STORE_FULL beyond. No limit when absent. */
  readonly bytesMax?: number
}

interface WaitingPut {
  readonly block: Block
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Made when it is not there. ERR_ERIS_STORE_FORMAT for a file of another kind, ERR_ERIS_STORE_UNAVAILABLE. */
export async function openSqliteStore(path: string, options: SqliteStoreOptions = {}): Promise<BlockStore> {
  const gate = new StoreGate(path, options.permissions)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 10_000 })
    prepare(database, path)
    if (options.bytesMax !== undefined)
      database.exec(`pragma max_page_count = ${Math.max(1, Math.floor(options.bytesMax / pageBytes))}`)
    return new SqliteStore(database, gate)
  } catch (error) {
    database?.close()
    throw databaseErrorOf(path, 'open the database', error)
  }
}

function prepare(database: DatabaseSync, path: string): void {
  const id = pragma(database, 'application_id')
  const version = pragma(database, 'user_version')
  const isNew =
    id === 0 && version === 0 && database.prepare('select 1 from sqlite_schema').get() === undefined
  if (!isNew && (id !== applicationId || version !== formatVersion))
    throw new ErisError('ERR_ERIS_STORE_FORMAT', `${path}: a database of another kind or a later version`)
  if (isNew) database.exec(`pragma page_size = ${pageBytes}`)
  database.exec(
    `pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -${cacheKibibytes}`
  )
  if (!isNew) return
  database.exec(`begin immediate;
    create table if not exists block (id integer primary key, reference blob not null unique, bytes blob not null);
    pragma application_id = ${applicationId};
    pragma user_version = ${formatVersion};
    commit`)
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`pragma ${name}`).get()?.[name] ?? 0)
}

class SqliteStore implements BlockStore {
  readonly name: string
  readonly permissions: StorePermissions
  readonly #gate: StoreGate
  readonly #database: DatabaseSync
  readonly #select: StatementSync
  readonly #selectLength: StatementSync
  readonly #insert: StatementSync
  readonly #remove: StatementSync
  readonly #page: StatementSync
  #waiting: WaitingPut[] = []
  #isScheduled = false

  constructor(database: DatabaseSync, gate: StoreGate) {
    this.name = gate.name
    this.permissions = gate.permissions
    this.#gate = gate
    this.#database = database
    this.#select = database.prepare('select bytes from block where reference = ?')
    this.#selectLength = database.prepare('select length(bytes) as length from block where reference = ?')
    this.#insert = database.prepare(
      'insert into block (reference, bytes) values (?, ?) on conflict (reference) do update set bytes = excluded.bytes where bytes <> excluded.bytes'
    )
    this.#remove = database.prepare('delete from block where reference = ? and length(bytes) = ?')
    this.#page = database.prepare(
      'select reference, length(bytes) as length from block where reference > ? order by reference limit ?'
    )
  }

  async get(request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    return this.#find(request)
  }

  put(block: Block, options?: StoreOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#gate.expect('put', options)
      this.#waiting.push({ block, resolve, reject })
      if (this.#waiting.length >= commitBlocksMax) this.#commit()
      else if (!this.#isScheduled) {
        this.#isScheduled = true
        setImmediate(() => {
          this.#isScheduled = false
          this.#commit()
        })
      }
    })
  }

  async has({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('get', options)
    return this.#do('look for a block', () => this.#selectLength.get(reference)?.['length'] === size)
  }

  async drop({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('drop', options)
    return this.#do('remove a block', () => this.#remove.run(reference, size).changes > 0)
  }

  async *list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    this.#gate.expect('list', options)
    let after: Uint8Array = new Uint8Array(0)
    for (;;) {
      this.#gate.expect('list', options)
      const from = after
      const rows = this.#do('list blocks', () => this.#page.all(from, listedAtOnce))
      for (const { reference, length } of rows) {
        if (!(reference instanceof Uint8Array)) continue
        after = reference
        if (reference.length === 32 && typeof length === 'number' && isBlockSize(length))
          yield { reference: toReference(reference), size: length }
      }
      if (rows.length < listedAtOnce) return
    }
  }

  async getMany(
    requests: readonly BlockRequest[],
    options?: StoreOptions
  ): Promise<readonly (Uint8Array | undefined)[]> {
    this.#gate.expect('get', options)
    return requests.map((request) => this.#find(request))
  }

  async putMany(blocks: readonly Block[], options?: StoreOptions): Promise<void> {
    this.#gate.expect('put', options)
    if (blocks.length > 0) this.#do('store blocks', () => this.#insertAll(blocks))
  }

  async close(): Promise<void> {
    if (!this.#gate.close()) return
    this.#commit()
    this.#do('close the database', () => this.#database.close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #find({ reference, size }: BlockRequest): Uint8Array | undefined {
    const bytes = this.#do('read a block', () => this.#select.get(reference)?.['bytes'])
    return bytes instanceof Uint8Array && bytes.length === size ? bytes : undefined
  }

  /** Everything that waits, in one transaction: all of it is kept or nothing. */
  #commit(): void {
    const puts = this.#waiting
    if (puts.length === 0) return
    this.#waiting = []
    try {
      this.#do('store blocks', () => this.#insertAll(puts.map(({ block }) => block)))
      for (const { resolve } of puts) resolve()
    } catch (error) {
      for (const { reject } of puts) reject(error)
    }
  }

  #insertAll(blocks: readonly Block[]): void {
    this.#database.exec('begin immediate')
    try {
      for (const { reference, bytes } of blocks) this.#insert.run(reference, bytes)
      this.#database.exec('commit')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('rollback')
      throw error
    }
  }

  #do<Result>(what: string, work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw databaseErrorOf(this.name, what, error)
    }
  }
}

function databaseErrorOf(name: string, what: string, error: unknown): ErisError {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 255 : 0
  if (code === fullCode)
    return new ErisError('ERR_ERIS_STORE_FULL', `${name}: cannot ${what}: no room`, { cause: error })
  if (damagedCodes.has(code))
    return new ErisError('ERR_ERIS_STORE_FORMAT', `${name}: cannot ${what}: damaged, or no database`, {
      cause: error
    })
  return storeErrorOf(name, what, error)
}
