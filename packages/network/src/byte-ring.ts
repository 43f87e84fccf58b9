/**
 * Bytes of a stream between arrival and reading, in memory that is used again and again. What the system gave them in is
 * free at once: buffers that wait for a reader grow old, and old ones are freed by full collections of garbage only.
 */
export class ByteRing {
  readonly #bytes: Uint8Array
  #from = 0
  #length = 0

  /** @param capacity most bytes that wait at a time */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** Throws RangeError beyond the capacity. */
  push(bytes: Uint8Array): void {
    const capacity = this.#bytes.length
    if (this.#length + bytes.length > capacity) throw new RangeError(`more than ${capacity} bytes wait`)
    const at = (this.#from + this.#length) % capacity
    const first = Math.min(bytes.length, capacity - at)
    this.#bytes.set(first === bytes.length ? bytes : bytes.subarray(0, first), at)
    if (first < bytes.length) this.#bytes.set(bytes.subarray(first), 0)
    this.#length += bytes.length
  }

  /** The oldest bytes that lie together, at most so many; a view that is valid until they are dropped. */
  peek(countMax: number): Uint8Array {
    const count = Math.min(this.#length, countMax, this.#bytes.length - this.#from)
    return this.#bytes.subarray(this.#from, this.#from + count)
  }

  drop(count: number): void {
    this.#length -= count
    this.#from = this.#length === 0 ? 0 : (this.#from + count) % this.#bytes.length
  }
}
