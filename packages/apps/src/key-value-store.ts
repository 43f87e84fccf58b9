/**
 * The private key-value store of one installation: one file per key in a directory of its zone that its paths do not
 * reach, so that it goes with snapshots, backups and replication. A file holds `["blocktree-kv", 1, key, value]`; its
 * name is the hash of the key (doc/spec/22-app-host.md, section 5). Keys and values are kept in memory, which
 * `stateBytes` bounds; what the same app writes on other nodes is read anew when it comes.
 */
import { CanonicalReader, CanonicalWriter, CodecError, compareBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { HostFailure, fail } from './host-failure.ts'
import { keyValueEntriesMax } from './limits.ts'
import type { FilePort } from './ports.ts'

const domain = 'blocktree-kv'
const keyBytesMax = 512
const valueBytesMax = 65_536

export interface KeyValueStore {
  get(key: string): Uint8Array | undefined
  set(key: string, value: Uint8Array): Promise<void>
  /** True when it was there. */
  delete(key: string): Promise<boolean>
  /** In the order of the keys' bytes. */
  list(
    prefix: string,
    after: string | undefined,
    limit: number
  ): { keys: readonly string[]; next: string | undefined }
  /** Changes run one after another; the callback sees the value as it is when its turn comes. undefined: no change. */
  update(key: string, change: (value: Uint8Array | undefined) => Uint8Array | undefined): Promise<void>
  /** Keys and values together. */
  readonly bytes: number
  /** Follows no changes any more. */
  close(): void
}

/** Reads what is stored. A file that cannot be read is left out and named to `onDamage`. */
export async function openKeyValueStore(deps: {
  readonly files: FilePort
  readonly crypto: CryptoProvider
  /** In the tree; made when the first key is set. */
  readonly directory: string
  readonly bytesMax: number
  readonly onDamage: (name: string) => void
}): Promise<KeyValueStore> {
  const store = new FileKeyValueStore(deps)
  try {
    await store.load()
    return store
  } catch (error) {
    store.close()
    throw error
  }
}

const encoder = new TextEncoder()

class FileKeyValueStore implements KeyValueStore {
  readonly #deps: Parameters<typeof openKeyValueStore>[0]
  readonly #values = new Map<string, Uint8Array>()
  /** By name of the file: its key, and the version that is in memory. */
  readonly #known = new Map<string, { readonly key: string; readonly version: string }>()
  #watch: { close(): void } | undefined
  /** In the order of their bytes; made anew when first needed after a change of the set. */
  #sorted: readonly string[] | undefined = []
  #turn: Promise<unknown> = Promise.resolve()
  #hasDirectory = false
  bytes = 0

  constructor(deps: Parameters<typeof openKeyValueStore>[0]) {
    this.#deps = deps
  }

  async load(): Promise<void> {
    const { files, directory } = this.#deps
    if ((await files.stat(directory).catch(nothingThere)) === undefined) return
    this.#hasDirectory = true
    this.#follow() // before it is read, so that nothing is missed in between
    await this.#readAll()
  }

  close(): void {
    this.#watch?.close()
    this.#watch = undefined
  }

  /** Changes come one after another; while one is read, the next ones wait and are read together. */
  #follow(): void {
    const { files, directory } = this.#deps
    const changed = new Set<string>()
    let isAll = false
    this.#watch ??= files.watch(directory, { isRecursive: false }, (changes) => {
      const isWaiting = isAll || changed.size > 0
      if (changes === undefined) isAll = true
      for (const { path } of changes ?? []) changed.add(path.slice(directory.length + 1))
      if (isWaiting) return
      void this.#inTurn(async () => {
        const [names, readsAll] = [[...changed], isAll]
        changed.clear()
        isAll = false
        if (this.#watch === undefined) return
        if (readsAll) return await this.#readAll()
        for (const name of names) if (name !== '') await this.#readFile(name)
      }).catch(() => undefined) // it stays as it was; the next change reads it again
    })
  }

  async #readAll(): Promise<void> {
    const { files, directory } = this.#deps
    const gone = new Set(this.#known.keys())
    let after: string | undefined
    do {
      const page = await files.list(directory, { after, limit: 1000 }).catch(nothingThere)
      for (const { name } of page?.entries ?? []) {
        gone.delete(name)
        await this.#readFile(name)
      }
      after = page?.next
    } while (after !== undefined)
    for (const name of gone) this.#dropFile(name)
  }

  async #readFile(name: string): Promise<void> {
    const { files, directory, onDamage } = this.#deps
    const path = `${directory}/${name}`
    const facts = await files.stat(path).catch(nothingThere)
    if (facts === undefined) return this.#dropFile(name)
    const version = facts.version.toHex()
    if (this.#known.get(name)?.version === version) return
    const entry = decodeEntry(await files.read(path, { offset: 0, length: facts.size }))
    if (entry === undefined || this.#fileName(entry.key) !== name) return onDamage(name)
    this.#keep(entry.key, entry.value)
    this.#known.set(name, { key: entry.key, version })
  }

  #dropFile(name: string): void {
    const key = this.#known.get(name)?.key
    this.#known.delete(name)
    if (key !== undefined) this.#drop(key)
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: Uint8Array): Promise<void> {
    return this.update(key, () => value)
  }

  async delete(key: string): Promise<boolean> {
    return await this.#inTurn(async () => {
      if (!this.#values.has(key)) return false
      const name = this.#fileName(key)
      const path = `${this.#deps.directory}/${name}`
      await this.#deps.files.remove(path, { isRecursive: false, expected: { kind: 'anything' } })
      this.#dropFile(name)
      return true
    })
  }

  list(
    prefix: string,
    after: string | undefined,
    limit: number
  ): { keys: readonly string[]; next: string | undefined } {
    this.#sorted ??= [...this.#values.keys()].sort((one, other) =>
      compareBytes(encoder.encode(one), encoder.encode(other))
    )
    const keys: string[] = []
    for (const key of this.#sorted) {
      if (!key.startsWith(prefix)) continue
      if (after !== undefined && compareBytes(encoder.encode(key), encoder.encode(after)) <= 0) continue
      if (keys.length === limit) return { keys, next: keys.at(-1) }
      keys.push(key)
    }
    return { keys, next: undefined }
  }

  async update(
    key: string,
    change: (value: Uint8Array | undefined) => Uint8Array | undefined
  ): Promise<void> {
    await this.#inTurn(async () => {
      const value = change(this.#values.get(key))
      if (value === undefined) return
      this.#expectRoom(key, value)
      await this.#expectDirectory()
      const name = this.#fileName(key)
      const write = { expected: { kind: 'anything' }, mediaType: undefined } as const
      const content = encodeEntry(key, value)
      const version = await this.#deps.files.write(`${this.#deps.directory}/${name}`, content, write)
      this.#keep(key, value.slice())
      this.#known.set(name, { key, version: version.toHex() })
    })
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act)
    this.#turn = done.catch(() => undefined)
    return done
  }

  #expectRoom(key: string, value: Uint8Array): void {
    const old = this.#values.get(key)
    if (old === undefined && this.#values.size >= keyValueEntriesMax) {
      fail('budget', `the store holds ${keyValueEntriesMax} keys, the most that it may`)
    }
    const more = value.byteLength - (old?.byteLength ?? -sizeOf(key))
    if (this.bytes + more > this.#deps.bytesMax) {
      fail('no-space', `keys and values would exceed ${this.#deps.bytesMax} bytes`)
    }
  }

  async #expectDirectory(): Promise<void> {
    if (this.#hasDirectory) return
    await this.#deps.files.makeDirectory(this.#deps.directory)
    this.#hasDirectory = true
    this.#follow()
  }

  #keep(key: string, value: Uint8Array): void {
    const old = this.#values.get(key)
    this.bytes += value.byteLength - (old?.byteLength ?? -sizeOf(key))
    if (old === undefined) this.#sorted = undefined
    this.#values.set(key, value)
  }

  #drop(key: string): void {
    this.bytes -= sizeOf(key) + (this.#values.get(key)?.byteLength ?? 0)
    this.#values.delete(key)
    this.#sorted = undefined
  }

  #fileName(key: string): string {
    return this.#deps.crypto.sha256(encoder.encode(key)).toHex()
  }
}

function nothingThere(error: unknown): undefined {
  if (error instanceof HostFailure && error.failure === 'not-found') return undefined
  throw error
}

function sizeOf(key: string): number {
  return encoder.encode(key).byteLength
}

function encodeEntry(key: string, value: Uint8Array): Uint8Array {
  return new CanonicalWriter().array(4).str(domain).uint(1).str(key).bin(value).finish()
}

/** undefined for what is no entry of this version. */
function decodeEntry(bytes: Uint8Array): { readonly key: string; readonly value: Uint8Array } | undefined {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(4)
    if (reader.str(domain.length) !== domain || reader.uint() !== 1) return undefined
    const entry = { key: reader.str(keyBytesMax), value: reader.bin(valueBytesMax) }
    reader.end()
    return { key: entry.key, value: entry.value.slice() }
  } catch (error) {
    if (error instanceof CodecError) return undefined
    throw error
  }
}
