/**
 * What of the content held here is not kept for others (spec 28, section 7), in local rows: what is in the cache, since it
 * was read or because enough others keep it; and what was let go, whose sectors the next collection of garbage removes.
 * Content that has neither row is kept: a row that is lost costs space, never a copy.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { BlockStore, Id, IndexRow } from '@blocktree/tree'
import { localKey, localPrefix, localRows } from './local-rows.ts'

export interface CachedContent {
  readonly record: Id
  readonly bytes: number
  usedMs: number
}

const format = 1
const writeUseMs = 60_000 // a use is written down when the last written one is older

export class ContentRows {
  readonly #store: BlockStore
  readonly #cached: Map<string, CachedContent> = new Map()
  #cachedBytes = 0
  #hasDropped = false
  /** Let go and not collected yet. */
  #looseBytes = 0

  constructor(store: BlockStore) {
    this.#store = store
  }

  async load(): Promise<void> {
    for await (const [record, value] of localRows(this.#store, localPrefix.cached)) {
      const row = decodeRow(value)
      if (row !== undefined && record.length === 32)
        this.#remember({ record, bytes: row.bytes, usedMs: row.ms })
    }
    for await (const [, value] of localRows(this.#store, localPrefix.dropped)) {
      const row = decodeRow(value)
      this.#hasDropped = true
      if (row?.root !== undefined && this.#store.hasSector(row.root)) this.#looseBytes += row.bytes
    }
  }

  get cachedBytes(): number {
    return this.#cachedBytes
  }
  get cachedCount(): number {
    return this.#cached.size
  }
  /** Something was let go, now or earlier. */
  get hasDropped(): boolean {
    return this.#hasDropped
  }
  get looseBytes(): number {
    return this.#looseBytes
  }

  isCached(record: Id): boolean {
    return this.#cached.has(record.toHex())
  }
  /** Of one that is cached, as far as it has come; else 0. */
  bytesCached(record: Id): number {
    return this.#cached.get(record.toHex())?.bytes ?? 0
  }
  isDropped(record: Id): boolean {
    return this.#hasDropped && isLetGo(this.#store, record)
  }

  /** The one that was used longest ago comes first. */
  oldestFirst(): readonly CachedContent[] {
    return [...this.#cached.values()].toSorted((left, right) => left.usedMs - right.usedMs)
  }

  /** In the cache from now on, whether it was let go before or not; durable with the next sync of the store. */
  async cache(contents: readonly CachedContent[]): Promise<void> {
    if (contents.length === 0) return
    const local: IndexRow[] = []
    for (const { record, bytes, usedMs } of contents) {
      local.push(cachedRow(record, bytes, usedMs))
      if (this.isDropped(record)) local.push({ key: localKey(localPrefix.dropped, record), value: undefined })
      this.#remember({ record: record.slice(), bytes, usedMs })
    }
    await this.#store.commit({ local }, { durability: 'none' })
  }

  /** Rows that strike out what made it less than kept; none when it is kept. */
  rowsToKeep(record: Id): readonly IndexRow[] {
    const rows: IndexRow[] = []
    if (this.isCached(record)) rows.push({ key: localKey(localPrefix.cached, record), value: undefined })
    if (this.isDropped(record)) rows.push({ key: localKey(localPrefix.dropped, record), value: undefined })
    return rows
  }

  /** Those rows are written: from now on it may be promised. */
  kept(record: Id): void {
    this.#forget(record)
  }

  /** Out of the cache; resolves when that is durable, and its sectors may go from then on. */
  async drop(
    contents: readonly { readonly record: Id; readonly bytes: number; readonly root: Id }[]
  ): Promise<void> {
    const local: IndexRow[] = []
    for (const { record, bytes, root } of contents) {
      const writer = new CanonicalWriter(64).array(3).uint(format).uint(bytes).bin(root)
      local.push({ key: localKey(localPrefix.dropped, record), value: writer.finish() })
      local.push({ key: localKey(localPrefix.cached, record), value: undefined })
    }
    this.#hasDropped = true
    await this.#store.commit({ local })
    for (const { record, bytes } of contents) {
      this.#forget(record)
      this.#looseBytes += bytes
    }
  }

  used(record: Id, nowMs: number): void {
    const content = this.#cached.get(record.toHex())
    if (content === undefined) return
    const isDue = nowMs - content.usedMs > writeUseMs
    content.usedMs = nowMs
    if (isDue)
      this.#store
        .commit({ local: [cachedRow(record, content.bytes, nowMs)] }, { durability: 'none' })
        .catch(() => undefined) // the order of the cache is worth no failure
  }

  /** A collection took this much of what was let go. */
  collected(bytes: number): void {
    this.#looseBytes = Math.max(0, this.#looseBytes - bytes)
  }

  #remember(content: CachedContent): void {
    this.#forget(content.record)
    this.#cached.set(content.record.toHex(), content)
    this.#cachedBytes += content.bytes
  }

  #forget(record: Id): boolean {
    const key = record.toHex()
    const content = this.#cached.get(key)
    if (content === undefined) return false
    this.#cached.delete(key)
    this.#cachedBytes -= content.bytes
    return true
  }
}

/** True for content that was let go: a collection of garbage does not keep it. */
export function isLetGo(store: Pick<BlockStore, 'local'>, record: Id): boolean {
  return store.local.get(localKey(localPrefix.dropped, record)) !== undefined
}

function cachedRow(record: Id, bytes: number, usedMs: number): IndexRow {
  const value = new CanonicalWriter(32).array(3).uint(format).uint(bytes).uint(usedMs).finish()
  return { key: localKey(localPrefix.cached, record), value }
}

function decodeRow(
  value: Uint8Array
): { readonly bytes: number; readonly ms: number; readonly root: Id | undefined } | undefined {
  try {
    const reader = new CanonicalReader(value)
    reader.arrayOf(3)
    if (reader.uint() !== format) return undefined
    const bytes = reader.uint()
    const isDrop = reader.peek() === 'bin'
    const root = isDrop ? reader.binExact(32).slice() : undefined
    const ms = isDrop ? 0 : reader.uint()
    reader.end()
    return { bytes, ms, root }
  } catch {
    return undefined
  }
}
