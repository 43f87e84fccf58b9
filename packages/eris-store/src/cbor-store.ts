/**
 * One file of blocks as a store: to carry content on a stick, to hand it to another program. Blocks are read from where
 * they lie, new ones go to a file beside it that takes the name when the store is closed; until then, and when the process
 * is killed before, the old file stays as it was.
 */
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import {
  type Block,
  type BlockRequest,
  type BlockSize,
  type BlockStore,
  type ReadCapability,
  type ReferenceKey,
  type StoreOptions,
  type StorePermissions,
  isBlockSize,
  referenceKey,
  referenceOfKey
} from '@blocktree/eris'
import { encodeEntry, encodeFileTail, fileHead, readBlockFile } from './cbor-blocks.ts'
import { StoreGate } from './store-gate.ts'
import { codeOf, storeErrorOf } from './system-error.ts'

export interface CborStoreOptions {
  readonly permissions?: Partial<StorePermissions>
}

export interface CborStore extends BlockStore {
  /** Of the contents that the file says it holds. */
  readonly capabilities: readonly ReadCapability[]
  /** Written into the file when it is closed. */
  addCapability(capability: ReadCapability): void
}

interface Place {
  readonly file: FileHandle
  readonly offset: number
  readonly size: BlockSize
}

/** Reads and checks the whole file when there is one. ERR_ERIS_STORE_FORMAT, ERR_ERIS_BLOCK_CORRUPT, ERR_ERIS_STORE_UNAVAILABLE. */
export async function openCborStore(
  path: string,
  { permissions }: CborStoreOptions = {}
): Promise<CborStore> {
  const gate = new StoreGate(path, permissions)
  const store = new CborFileStore(path, gate)
  await store.load()
  return store
}

class CborFileStore implements CborStore {
  readonly name: string
  readonly permissions: StorePermissions
  readonly #path: string
  readonly #gate: StoreGate
  readonly #places = new Map<ReferenceKey, Place>()
  readonly #capabilities: ReadCapability[] = []
  #source: FileHandle | undefined
  /** Made with the first change. */
  #target: { readonly file: FileHandle; readonly path: string; end: number } | undefined
  #hasChanged = false
  /** Writes happen one after another. */
  #tail: Promise<void> = Promise.resolve()

  constructor(path: string, gate: StoreGate) {
    this.#path = path
    this.name = gate.name
    this.permissions = { ...gate.permissions, drop: false }
    this.#gate = new StoreGate(gate.name, this.permissions)
  }

  get capabilities(): readonly ReadCapability[] {
    return this.#capabilities
  }

  addCapability(capability: ReadCapability): void {
    this.#gate.expect('put', undefined)
    this.#capabilities.push(capability)
    this.#hasChanged = true
  }

  async load(): Promise<void> {
    try {
      const file = await open(this.#path, 'r')
      this.#source = file
      for await (const { block, offset } of readBlockFile(file, this.#path, (found) =>
        this.#capabilities.push(found)
      )) {
        const size = block.bytes.length
        if (isBlockSize(size)) this.#places.set(referenceKey(block.reference), { file, offset, size })
      }
    } catch (error) {
      await this.#source?.close()
      if (codeOf(error) === 'ENOENT' && this.permissions.put) return
      throw storeErrorOf(this.name, 'read the file', error)
    }
  }

  async get({ reference, size }: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    const place = this.#places.get(referenceKey(reference))
    if (place === undefined || place.size !== size) return undefined
    const bytes = new Uint8Array(size)
    try {
      const { bytesRead } = await place.file.read(bytes, 0, size, place.offset)
      return bytesRead === size ? bytes : undefined
    } catch (error) {
      throw storeErrorOf(this.name, 'read a block', error)
    }
  }

  async put(block: Block, options?: StoreOptions): Promise<void> {
    this.#gate.expect('put', options)
    await this.#inTurn(() => this.#append(block))
  }

  async has({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('get', options)
    return this.#places.get(referenceKey(reference))?.size === size
  }

  async drop(_request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('drop', options)
    return false
  }

  async *list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    this.#gate.expect('list', options)
    for (const [key, { size }] of this.#places) {
      options?.signal?.throwIfAborted()
      yield { reference: referenceOfKey(key), size }
    }
  }

  /** Gives the file its new content; ERR_ERIS_STORE_FULL leaves the old one. */
  async close(): Promise<void> {
    if (!this.#gate.close()) return
    try {
      await this.#tail
      if (this.#hasChanged) await this.#finish()
    } catch (error) {
      throw storeErrorOf(this.name, 'write the file', error)
    } finally {
      await this.#source?.close()
      await this.#target?.file.close()
      if (this.#target !== undefined) await unlink(this.#target.path).catch(() => undefined)
      this.#places.clear()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => undefined)
    try {
      await turn
    } catch (error) {
      throw storeErrorOf(this.name, 'store a block', error)
    }
  }

  async #append(block: Block): Promise<void> {
    const key = referenceKey(block.reference)
    const size = block.bytes.length
    if (this.#places.has(key) || !isBlockSize(size)) return
    const target = (this.#target ??= await this.#createTarget())
    const { head, bytesOffset } = encodeEntry(block)
    // Written at a place of its own and counted when whole: an entry that failed is overwritten by the next one.
    await writeAll(target.file, head, target.end)
    await writeAll(target.file, block.bytes, target.end + bytesOffset)
    this.#places.set(key, { file: target.file, offset: target.end + bytesOffset, size })
    target.end += bytesOffset + size
    this.#hasChanged = true
  }

  /** A new file that begins with the blocks of the old one. */
  async #createTarget(): Promise<{ file: FileHandle; path: string; end: number }> {
    const path = `${this.#path}.${randomBytes(6).toString('hex')}.tmp`
    const file = await open(path, 'wx+', 0o600)
    try {
      await writeAll(file, fileHead, 0)
      let end = fileHead.length
      for (const [key, { file: source, offset, size }] of this.#places) {
        const bytes = new Uint8Array(size)
        await source.read(bytes, 0, size, offset)
        const { head, bytesOffset } = encodeEntry({ reference: referenceOfKey(key), bytes })
        await writeAll(file, head, end)
        await writeAll(file, bytes, end + bytesOffset)
        end += bytesOffset + size
      }
      return { file, path, end }
    } catch (error) {
      await file.close()
      await unlink(path).catch(() => undefined)
      throw error
    }
  }

  async #finish(): Promise<void> {
    const target = (this.#target ??= await this.#createTarget())
    const tail = encodeFileTail(this.#capabilities)
    await writeAll(target.file, tail, target.end)
    await target.file.truncate(target.end + tail.length)
    await target.file.sync()
    await rename(target.path, this.#path)
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, offset + at)
    at += bytesWritten
  }
}
