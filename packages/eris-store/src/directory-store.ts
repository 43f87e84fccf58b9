/**
 * Blocks as files below a directory: `AB/<52 characters>` (doc/spec/26-coap-and-block-stores.md, section 5). A file gets
 * its name when it is whole and synced, so a process killed at any moment leaves no wrong block; its leftovers lie in
 * `tmp` and are removed later. Several processes may share a directory.
 */
import { type FileHandle, mkdir, open, opendir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { equalBytes } from '@blocktree/codec'
import {
  type Block,
  type BlockReference,
  type BlockRequest,
  type BlockStore,
  type StoreOptions,
  type StorePermissions,
  formatReference,
  isBlockSize,
  parseReference
} from '@blocktree/eris'
import { StoreGate } from './store-gate.ts'
import { codeOf, storeErrorOf } from './system-error.ts'

const leftoverMs = 3_600_000

export interface DirectoryStoreOptions {
  readonly permissions?: Partial<StorePermissions>
}

/** Makes the directory when it is not there and may be put to; ERR_ERIS_STORE_UNAVAILABLE. */
export async function openDirectoryStore(
  directory: string,
  { permissions = {} }: DirectoryStoreOptions = {}
): Promise<BlockStore> {
  const gate = new StoreGate(directory, permissions)
  try {
    if (gate.permissions.put) {
      await mkdir(join(directory, 'tmp'), { recursive: true, mode: 0o700 })
      await removeLeftovers(join(directory, 'tmp'))
    } else await stat(directory)
  } catch (error) {
    throw storeErrorOf(directory, 'open the directory', error)
  }
  return new DirectoryStore(directory, gate)
}

class DirectoryStore implements BlockStore {
  readonly name: string
  readonly permissions: StorePermissions
  readonly #directory: string
  readonly #gate: StoreGate
  readonly #running = new Set<Promise<unknown>>()
  readonly #folders = new Set<string>()

  constructor(directory: string, gate: StoreGate) {
    this.name = gate.name
    this.permissions = gate.permissions
    this.#directory = directory
    this.#gate = gate
  }

  async get({ reference, size }: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    return await this.#run('read a block', async () => {
      const bytes = await readBlockFile(this.#pathOf(reference).file)
      return bytes?.length === size ? bytes : undefined
    })
  }

  async put({ reference, bytes }: Block, options?: StoreOptions): Promise<void> {
    this.#gate.expect('put', options)
    await this.#run('store a block', () => this.#write(reference, bytes))
  }

  async has({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('get', options)
    return await this.#run('look for a block', () => this.#holds(reference, size))
  }

  async drop({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('drop', options)
    return await this.#run('remove a block', async () => {
      if (!(await this.#holds(reference, size))) return false
      return await orAbsent(
        unlink(this.#pathOf(reference).file).then(() => true),
        false
      )
    })
  }

  async *list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    this.#gate.expect('list', options)
    for await (const { name: folder } of await this.#run('list blocks', () => opendir(this.#directory))) {
      if (!/^[A-Z2-7]{2}$/.test(folder)) continue
      for await (const { name } of await opendir(join(this.#directory, folder))) {
        options?.signal?.throwIfAborted()
        const request = await requestOf(join(this.#directory, folder, name), name)
        if (request !== undefined && name.startsWith(folder)) yield request
      }
    }
  }

  async close(): Promise<void> {
    this.#gate.close()
    await Promise.allSettled(this.#running)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #run<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    const running = work()
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      throw storeErrorOf(this.name, what, error)
    } finally {
      this.#running.delete(running)
    }
  }

  #pathOf(reference: BlockReference): { readonly folder: string; readonly file: string } {
    const name = formatReference(reference)
    const folder = join(this.#directory, name.slice(0, 2))
    return { folder, file: join(folder, name) }
  }

  async #holds(reference: BlockReference, size: number): Promise<boolean> {
    const status = await orAbsent(stat(this.#pathOf(reference).file), undefined)
    return status !== undefined && status.isFile() && status.size === size
  }

  async #write(reference: BlockReference, bytes: Uint8Array): Promise<void> {
    const { folder, file } = this.#pathOf(reference)
    const held = (await this.#holds(reference, bytes.length)) ? await readBlockFile(file) : undefined
    if (held !== undefined && equalBytes(held, bytes)) return // what was damaged is replaced
    if (!this.#folders.has(folder)) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await syncDirectory(this.#directory)
      this.#folders.add(folder)
    }
    const scratch = join(this.#directory, 'tmp', `${process.pid}-${randomBytes(8).toString('hex')}`)
    try {
      await writeSynced(scratch, bytes)
      await rename(scratch, file)
    } catch (error) {
      await unlink(scratch).catch(() => undefined)
      throw error
    }
    await syncDirectory(folder)
  }
}

/** Undefined when it is not there; longer files are not read. */
async function readBlockFile(path: string): Promise<Uint8Array | undefined> {
  const status = await orAbsent(stat(path), undefined)
  if (status === undefined || !isBlockSize(status.size)) return undefined
  return await orAbsent(readFile(path), undefined)
}

async function orAbsent<Result, Absent>(work: Promise<Result>, absent: Absent): Promise<Result | Absent> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return absent
    throw error
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    await handle.sync()
  } catch (error) {
    if (!['EPERM', 'EISDIR', 'EINVAL'].includes(String(codeOf(error)))) throw error // not every system syncs directories
  } finally {
    await handle?.close()
  }
}

async function requestOf(path: string, name: string): Promise<BlockRequest | undefined> {
  const status = /^[A-Z2-7]{52}$/.test(name) ? await orAbsent(stat(path), undefined) : undefined
  if (status === undefined || !isBlockSize(status.size)) return undefined
  try {
    return { reference: parseReference(name), size: status.size }
  } catch {
    return undefined
  }
}

/** What a killed process left behind. */
async function removeLeftovers(folder: string): Promise<void> {
  for await (const { name } of await opendir(folder)) {
    const path = join(folder, name)
    const status = await orAbsent(stat(path), undefined)
    if (status !== undefined && Date.now() - status.mtimeMs > leftoverMs)
      await unlink(path).catch(() => undefined)
  }
}
