/**
 * Time that passes only when it is told to: for tests and the simulator. Callbacks run in the order of their time, then
 * of their start; between two of them every promise that can settle does.
 */
import type { Timers } from './timers.ts'

export interface VirtualTime extends Timers {
  /** Lets this time pass; resolves when everything due in it has run. Calls must not overlap. */
  advance(milliseconds: number): Promise<void>
  /** Lets time pass until the promise settles, at most `limitMs` of it (60,000); then it fails. */
  until<T>(promise: Promise<T>, limitMs?: number): Promise<T>
  /** Timers that have not run. */
  readonly pending: number
}

interface Entry {
  readonly atMs: number
  readonly order: number
  /** undefined when it was stopped */
  callback: (() => void) | undefined
}

/** @param startMs what `now` says at first */
export function createVirtualTime(startMs = 0): VirtualTime {
  return new SteppedTime(startMs)
}

class SteppedTime implements VirtualTime {
  #nowMs: number
  #order = 0
  readonly #heap: Entry[] = []
  pending = 0

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  start(milliseconds: number, callback: () => void): () => void {
    const entry: Entry = { atMs: this.#nowMs + Math.max(milliseconds, 0), order: this.#order++, callback }
    push(this.#heap, entry)
    this.pending++
    return () => {
      if (entry.callback !== undefined) this.pending--
      entry.callback = undefined
    }
  }

  defer(callback: () => void): void {
    queueMicrotask(callback)
  }

  async advance(milliseconds: number): Promise<void> {
    const untilMs = this.#nowMs + milliseconds
    await settle()
    while (this.#step(untilMs)) await settle()
    this.#nowMs = untilMs
  }

  async until<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    const untilMs = this.#nowMs + limitMs
    const state = { isSettled: false }
    const mark = (): void => {
      state.isSettled = true
    }
    promise.then(mark, mark)
    await settle()
    while (!state.isSettled) {
      if (!this.#step(untilMs)) throw new Error(`not settled within ${limitMs} ms of virtual time`)
      await settle()
    }
    return promise
  }

  /** Runs the next entry; false when none is due by then. */
  #step(untilMs: number): boolean {
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.atMs > untilMs) return false
      pop(this.#heap)
      const { callback } = next
      if (callback === undefined) continue
      next.callback = undefined
      this.pending--
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      callback()
      return true
    }
  }
}

/** Every promise whose turn has come is behind us after a turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order)
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const parentAt = (at - 1) >> 1
    const parent = heap[parentAt]
    if (parent === undefined || isBefore(parent, entry)) break
    heap[at] = parent
    at = parentAt
  }
  heap[at] = entry
}

function pop(heap: Entry[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const childAt = smallerChild(heap, at)
    const child = heap[childAt]
    if (child === undefined || isBefore(last, child)) break
    heap[at] = child
    at = childAt
  }
  heap[at] = last
}

function smallerChild(heap: readonly Entry[], at: number): number {
  const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]]
  return left !== undefined && right !== undefined && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1
}
