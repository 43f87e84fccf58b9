/**
 * Two ends joined in memory, for tests: chunks arrive later and in order, the sender is held back while the other end
 * is paused or behind, as a socket does it.
 */
import type { Connection, Defer, Receiver } from './connection.ts'

export interface MemoryEnd extends Connection {
  /** What the other end's bytes go to; set it before anything is sent. */
  attach(receiver: Receiver): void
  /** Bytes sent from here that the other end has not taken. */
  readonly unreadBytes: number
  /** The most that `unreadBytes` has been. */
  readonly unreadBytesMax: number
}

export interface MemoryConnectionOptions {
  /** `send` answers false above this many unread bytes. */
  readonly highWaterBytes?: number
  readonly defer?: Defer
  /** Changes how bytes are cut into chunks. */
  readonly split?: (chunk: Uint8Array) => readonly Uint8Array[]
}

export function createMemoryConnection(options: MemoryConnectionOptions = {}): [MemoryEnd, MemoryEnd] {
  const left = new End(options)
  const right = new End(options)
  left.join(right)
  right.join(left)
  return [left, right]
}

class End implements MemoryEnd {
  readonly #highWaterBytes: number
  readonly #defer: Defer
  readonly #split: (chunk: Uint8Array) => readonly Uint8Array[]
  #other: End | undefined
  #receiver: Receiver | undefined
  #queue: Uint8Array[] = [] // sent from here
  #unreadBytes = 0
  #unreadBytesMax = 0
  #paused = false // this end does not read
  #blocked = false // the last send asked to wait
  #scheduled = false
  #closed = false

  constructor(options: MemoryConnectionOptions) {
    this.#highWaterBytes = options.highWaterBytes ?? 64 * 1024
    this.#defer = options.defer ?? queueMicrotask
    this.#split = options.split ?? ((chunk) => [chunk])
  }

  join(other: End): void {
    this.#other = other
  }

  attach(receiver: Receiver): void {
    this.#receiver = receiver
  }

  get unreadBytes(): number {
    return this.#unreadBytes
  }

  get unreadBytesMax(): number {
    return this.#unreadBytesMax
  }

  send(bytes: Uint8Array): boolean {
    if (this.#closed) return true
    this.#queue.push(...this.#split(bytes))
    this.#unreadBytes += bytes.length
    this.#unreadBytesMax = Math.max(this.#unreadBytesMax, this.#unreadBytes)
    this.#schedule()
    if (this.#unreadBytes > this.#highWaterBytes) this.#blocked = true
    return !this.#blocked
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    if (this.#other !== undefined) this.#other.#schedule()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#defer(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const other = this.#other
    if (other === undefined) return
    const receiver = other.#receiver
    if (receiver === undefined) return
    const queue = this.#queue
    this.#queue = []
    let index = 0
    for (; index < queue.length && !other.#paused; index++) {
      const chunk = queue[index]
      if (chunk === undefined) continue
      this.#unreadBytes -= chunk.length
      receiver.receive(chunk)
    }
    this.#queue = queue.slice(index).concat(this.#queue)
    if (this.#blocked && this.#unreadBytes <= this.#highWaterBytes / 2) {
      this.#blocked = false
      this.#receiver?.drained()
    }
    if (this.#closed && this.#queue.length === 0) {
      receiver.end()
      this.#receiver?.end()
    }
  }
}
