/**
 * One summary: a trie over rows that a source lists in key order. Kept are the nodes at depth 4 (65,536 places of 36
 * bytes at most); what is below is made from the rows when it is asked for, what is above from those nodes. A change
 * marks its place, and only marked places are read again: after a hundred changes in a million rows, a hundred small
 * ranges. Nodes may be saved and loaded again as long as the caller knows that they are those of the rows.
 */
import { equalBytes, newBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Id } from '@blocktree/tree'
import {
  type TrieNode,
  type TriePath,
  type TrieRow,
  emptyNode,
  isBelow,
  nodeAbove,
  nodeOfRows,
  rangeOfPath,
  rowsByNibble
} from './trie-node.ts'

/** Lists rows in key order; ids are owned by the receiver. */
export type RowSource<Row extends TrieRow> = (range: {
  readonly from: Uint8Array
  readonly to?: Uint8Array
}) => AsyncIterable<Row> | Iterable<Row>

const bucketNibbles = 4
const chunkCount = 256
const marksMax = 4096
const bucketsPerChunk = 256
const bucketBytes = 36 // count u32, hash 32
/** Bytes of one saved chunk: all places below one first byte. */
export const chunkBytesSaved: number = bucketsPerChunk * bucketBytes

/** All places below one first byte of the key. */
interface Chunk {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Nodes at depth 3 and 2, until a place below changes. */
  above: { readonly depth3: readonly TrieNode[]; readonly depth2: TrieNode } | undefined
  isSaved: boolean
}

export class Summary<Row extends TrieRow> {
  readonly #crypto: CryptoProvider
  readonly #source: RowSource<Row>
  readonly #chunks: (Chunk | undefined)[] = Array.from({ length: chunkCount }, () => undefined)
  /** Places to read again, by their first two bytes. */
  readonly #marked: Set<number> = new Set()
  #isKnown = false
  #isForgotten = false
  #isReading = false
  #readUnder = ''
  #work: Promise<void> = Promise.resolve()
  /** What all rows rest on beside the marks: they are read again when it is another text than before. */
  readonly #ground: () => string

  /** @param ground empty as long as nodes that were saved may be loaded */
  constructor(crypto: CryptoProvider, source: RowSource<Row>, ground: () => string = () => '') {
    this.#crypto = crypto
    this.#source = source
    this.#ground = ground
  }

  /** It was worked out or loaded once. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** Nothing has changed since the last look. */
  get isSettled(): boolean {
    return this.#isKnown && !this.#isReading && this.#marked.size === 0 && this.#isGrounded
  }

  get #isGrounded(): boolean {
    return this.#ground() === this.#readUnder
  }

  /** The row of this key came, changed or went. */
  mark(key: Id): void {
    this.#marked.add(bucketOf(key))
  }

  /** So much changed that all rows are read again: that costs less than reading those that changed. */
  get isCrowded(): boolean {
    return this.#marked.size > marksMax
  }

  /** Nothing has changed since `unsaved` was called. */
  get isSaved(): boolean {
    return this.#chunks.every((chunk) => chunk === undefined || chunk.isSaved)
  }

  /** Everything may have changed. */
  forget(): void {
    this.#isKnown = false
    this.#isForgotten = true
  }

  /** The node at a place, of the rows as they are when the promise resolves or later. */
  async node(path: TriePath): Promise<TrieNode> {
    if (path.length > bucketNibbles) return nodeOfRows(this.#crypto, await this.rows(path), path.length)
    await this.#settle()
    return this.#keptNode(path)
  }

  /** The 16 nodes below a place. */
  async children(path: TriePath): Promise<readonly TrieNode[]> {
    if (path.length >= bucketNibbles) {
      const parts = rowsByNibble(await this.rows(path), path.length)
      return parts.map((rows) => nodeOfRows(this.#crypto, rows, path.length + 1))
    }
    await this.#settle()
    return Array.from({ length: 16 }, (_, nibble) => this.#keptNode(Uint8Array.of(...path, nibble)))
  }

  /** Rows below a place, by key. */
  async rows(path: TriePath): Promise<Row[]> {
    const rows: Row[] = []
    for await (const row of this.#source(rangeOfPath(path))) {
      if (isBelow(row.key, path)) rows.push(row)
    }
    return rows
  }

  /** Brings all nodes up to date; afterwards `isSettled` unless something changed meanwhile. */
  async settle(): Promise<void> {
    await this.#settle()
  }

  /** Chunks that changed since they were saved; empty places are told as undefined. Call it when settled. */
  unsaved(): readonly { readonly chunk: number; readonly bytes: Uint8Array | undefined }[] {
    const changed: { readonly chunk: number; readonly bytes: Uint8Array | undefined }[] = []
    for (const [index, chunk] of this.#chunks.entries()) {
      if (chunk === undefined || chunk.isSaved) continue
      chunk.isSaved = true
      changed.push({ chunk: index, bytes: chunk.bytes.slice() })
    }
    return changed
  }

  /** What `unsaved` gave could not be written: it is given again. */
  notSaved(chunks: Iterable<{ readonly chunk: number }>): void {
    for (const { chunk } of chunks) {
      const held = this.#chunks[chunk]
      if (held !== undefined) held.isSaved = false
    }
  }

  /** Takes nodes that were saved and are those of the rows but for places that are marked, before this call or after it. */
  load(chunks: Iterable<{ readonly chunk: number; readonly bytes: Uint8Array }>): void {
    if (this.#isForgotten) return // meanwhile
    for (const { chunk, bytes } of chunks) {
      if (chunk >= chunkCount || bytes.length !== chunkBytesSaved) return
      this.#chunks[chunk] = { ...newChunk(bytes.slice()), isSaved: true }
    }
    this.#isKnown = true
    this.#readUnder = ''
  }

  /**
   * Reads everything below a place again, and puts right what was kept otherwise without being marked: that is a fault of
   * whoever should have marked it.
   * @returns the first two bytes of the keys in question; what changes meanwhile is none of them
   */
  async verify(path: TriePath): Promise<readonly number[]> {
    const work = this.#work.then(
      () => this.#verify(path),
      () => this.#verify(path)
    )
    this.#work = work.then(
      () => undefined,
      () => undefined
    )
    return await work
  }

  async #verify(path: TriePath): Promise<readonly number[]> {
    await this.#readMarked()
    const nodes = new Map<number, TrieNode>()
    const range = rangeOfPath(path.slice(0, bucketNibbles))
    for await (const [bucket, rows] of this.#buckets(range))
      nodes.set(bucket, nodeOfRows(this.#crypto, rows, bucketNibbles))
    const wrong: number[] = []
    if (!this.#isKnown || !this.#isGrounded) return wrong
    const end = range.to === undefined ? chunkCount * bucketsPerChunk : bucketOf(range.to)
    for (let bucket = bucketOf(range.from); bucket < end; bucket++) {
      if (this.#marked.has(bucket)) continue
      const node = nodes.get(bucket) ?? emptyNode
      if (isSameNode(node, bucketNode(this.#chunks[bucket >> 8], bucket & 0xff))) continue
      this.#put(bucket, node)
      wrong.push(bucket)
    }
    return wrong
  }

  #settle(): Promise<void> {
    if (this.isSettled) return Promise.resolve()
    this.#work = this.#work.then(
      () => this.#readMarked(),
      () => this.#readMarked()
    )
    return this.#work
  }

  async #readMarked(): Promise<void> {
    this.#isReading = true
    try {
      await this.#readChanged()
    } finally {
      this.#isReading = false
    }
  }

  async #readChanged(): Promise<void> {
    // So many small ranges cost more than one large one.
    if (!this.#isKnown || !this.#isGrounded || this.#marked.size > marksMax) {
      this.#isKnown = false
      this.#marked.clear()
      this.#isForgotten = false
      this.#readUnder = this.#ground() // when that changes while it is read, the next look reads all rows again
      await this.#readAll()
      // Forgotten while it was read: the next look reads all rows again.
      this.#isKnown = !this.#isForgotten
    }
    // What is marked while a place is read is read again by the next look.
    for (const bucket of [...this.#marked]) {
      this.#marked.delete(bucket)
      try {
        await this.#readBucket(bucket)
      } catch (error) {
        this.#marked.add(bucket)
        throw error
      }
    }
  }

  async #readAll(): Promise<void> {
    this.#chunks.fill(undefined)
    for await (const [bucket, rows] of this.#buckets({ from: newBytes(0) }))
      this.#put(bucket, nodeOfRows(this.#crypto, rows, bucketNibbles))
  }

  /** Rows of a range by the first two bytes of their keys. */
  async *#buckets(range: Parameters<RowSource<Row>>[0]): AsyncGenerator<readonly [number, Row[]]> {
    let bucket = -1
    let rows: Row[] = []
    for await (const row of this.#source(range)) {
      const next = bucketOf(row.key)
      if (next !== bucket) {
        if (rows.length > 0) yield [bucket, rows]
        bucket = next
        rows = []
      }
      rows.push(row)
    }
    if (rows.length > 0) yield [bucket, rows]
  }

  async #readBucket(bucket: number): Promise<void> {
    const first = bucket >> 8
    const second = bucket & 0xff
    const rows = await this.rows(Uint8Array.of(first >> 4, first & 15, second >> 4, second & 15))
    this.#put(bucket, nodeOfRows(this.#crypto, rows, bucketNibbles))
  }

  #put(bucket: number, node: TrieNode): void {
    const first = bucket >> 8
    const offset = (bucket & 0xff) * bucketBytes
    const chunk = this.#chunks[first] ?? newChunk(newBytes(chunkBytesSaved))
    chunk.view.setUint32(offset, node.count)
    chunk.bytes.set(node.hash, offset + 4)
    chunk.above = undefined
    chunk.isSaved = false
    this.#chunks[first] = chunk
  }

  #keptNode(path: TriePath): TrieNode {
    const [a = 0, b = 0, c = 0, d = 0] = path
    if (path.length === bucketNibbles) return bucketNode(this.#chunks[(a << 4) | b], (c << 4) | d)
    if (path.length === 3) return this.#above((a << 4) | b)?.depth3[c] ?? emptyNode
    if (path.length === 2) return this.#above((a << 4) | b)?.depth2 ?? emptyNode
    return nodeAbove(
      this.#crypto,
      Array.from({ length: 16 }, (_, nibble) => this.#keptNode(Uint8Array.of(...path, nibble)))
    )
  }

  #above(first: number): Chunk['above'] {
    const chunk = this.#chunks[first]
    if (chunk === undefined) return undefined
    if (chunk.above === undefined) {
      const depth3 = Array.from({ length: 16 }, (_, high) =>
        nodeAbove(
          this.#crypto,
          Array.from({ length: 16 }, (__, low) => bucketNode(chunk, (high << 4) | low))
        )
      )
      chunk.above = { depth3, depth2: nodeAbove(this.#crypto, depth3) }
    }
    return chunk.above
  }
}

function bucketOf(key: Uint8Array): number {
  return ((key[0] ?? 0) << 8) | (key[1] ?? 0)
}

function isSameNode(left: TrieNode, right: TrieNode): boolean {
  return left.count === right.count && equalBytes(left.hash, right.hash)
}

function newChunk(bytes: Uint8Array): Chunk {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { bytes, view, above: undefined, isSaved: false }
}

function bucketNode(chunk: Chunk | undefined, place: number): TrieNode {
  if (chunk === undefined) return emptyNode
  const offset = place * bucketBytes
  const count = chunk.view.getUint32(offset)
  return count === 0 ? emptyNode : { count, hash: chunk.bytes.slice(offset + 4, offset + bucketBytes) }
}
