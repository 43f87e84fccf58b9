/**
 * What was written through an open file and not committed: pieces over the content as it was when opened. Memory is
 * bounded; a file that is written from its beginning to its end in order has no bound, because its pieces go on to the
 * store as they come.
 */
import { fail } from './host-failure.ts'
import { patchesMax, pendingBytesMax } from './limits.ts'

interface Patch {
  readonly start: number
  readonly bytes: Uint8Array
}

const zeros = new Uint8Array(64 * 1024)

export class PendingWrite {
  /** Later ones lie over earlier ones. */
  #patches: Patch[] = []
  #bytes = 0
  /** Content of the old version counts up to here. */
  #keptSize: number
  #size: number

  /** @param size of the content that is written over */
  constructor(size: number) {
    this.#keptSize = size
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  get isEmpty(): boolean {
    return this.#patches.length === 0
  }

  /** Keeps a copy. Fails with `budget`. */
  write(offset: number, bytes: Uint8Array): void {
    if (this.#bytes + bytes.byteLength > pendingBytesMax || this.#patches.length >= patchesMax) {
      fail(
        'budget',
        `uncommitted writes exceed ${pendingBytesMax} bytes or ${patchesMax} pieces; commit between them`
      )
    }
    if (bytes.byteLength === 0) return
    this.#patches.push({ start: offset, bytes: bytes.slice() })
    this.#bytes += bytes.byteLength
    this.#size = Math.max(this.#size, offset + bytes.byteLength)
  }

  setSize(size: number): void {
    this.#keptSize = Math.min(this.#keptSize, size)
    this.#patches = this.#patches.flatMap(({ start, bytes }) =>
      start >= size ? [] : [{ start, bytes: bytes.subarray(0, size - start) }]
    )
    this.#bytes = this.#patches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
    this.#size = size
  }

  /** A range of the content as it would be after a commit. */
  async read(
    offset: number,
    length: number,
    readOld: (offset: number, length: number) => Promise<Uint8Array>
  ): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.#size)
    if (end <= offset) return new Uint8Array(0)
    const range = new Uint8Array(end - offset)
    const keptEnd = Math.min(end, this.#keptSize)
    if (keptEnd > offset) range.set(await readOld(offset, keptEnd - offset))
    for (const { start, bytes } of this.#patches) overlay(range, offset, start, bytes)
    return range
  }

  /** The whole content, in parts. */
  async *content(
    partBytes: number,
    readOld: (offset: number, length: number) => Promise<Uint8Array>
  ): AsyncGenerator<Uint8Array, void> {
    for (let at = 0; at < this.#size; at += partBytes) yield await this.read(at, partBytes, readOld)
  }
}

function overlay(range: Uint8Array, offset: number, start: number, bytes: Uint8Array): void {
  const from = Math.max(start, offset)
  const to = Math.min(start + bytes.byteLength, offset + range.byteLength)
  if (to > from) range.set(bytes.subarray(from - start, to - start), from - offset)
}

/** Content that is given part by part while it is stored: what a file written in order becomes. */
export class ContentFeed implements AsyncIterable<Uint8Array> {
  #waiting: ((result: IteratorResult<Uint8Array, undefined>) => void) | undefined
  #refuse: ((error: Error) => void) | undefined
  #part: { readonly bytes: Uint8Array; readonly taken: () => void } | undefined
  #state: 'open' | 'ended' | 'left' = 'open'
  #failure: Error | undefined
  size = 0

  /** Resolves when the store has taken it. Rejects when the store has failed. */
  async give(bytes: Uint8Array): Promise<void> {
    if (this.#state === 'left') return
    this.size += bytes.byteLength
    const copy = bytes.slice()
    if (this.#waiting !== undefined) {
      this.#resolve({ done: false, value: copy })
      return
    }
    await new Promise<void>((taken) => (this.#part = { bytes: copy, taken }))
  }

  /** Zeros from the end up to `size`. */
  async fill(size: number): Promise<void> {
    while (this.size < size) await this.give(zeros.subarray(0, Math.min(zeros.byteLength, size - this.size)))
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#resolve({ done: true, value: undefined })
  }

  /** Whoever stores it fails with this error, and stores nothing. */
  abort(error: Error): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#failure = error
    this.#refuse?.(error)
    this.#waiting = undefined
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.#state = 'left'
        this.#part?.taken()
        return Promise.resolve({ done: true, value: undefined })
      }
    }
  }

  #resolve(result: IteratorResult<Uint8Array, undefined>): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(result)
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const part = this.#part
    if (part !== undefined) {
      this.#part = undefined
      part.taken()
      return Promise.resolve({ done: false, value: part.bytes })
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#state !== 'open') return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#waiting = resolve
      this.#refuse = reject
    })
  }
}
