/**
 * Numbers that stand for something open. A number is of one run of one app, is never used twice, and goes with the
 * process that got it: the locks, watches, requests and sockets of a killed process are released.
 *
 * NOTE: a place per number, modulo the length of an array, and no Map: a Map that is written all the time is copied all
 * the time, and V8 chains the copies, so that one old copy keeps every later one, with the requests in it, from being
 * collected cheaply (doc/adr/0012).
 */
import { fail } from './host-failure.ts'

export interface Held {
  /** Called once: by `close`, when the process ends, or when the app stops. Must not throw. */
  release(): void
}

interface Entry<Kinds, Kind extends keyof Kinds> {
  readonly handle: number
  readonly kind: Kind
  readonly process: number
  readonly held: Kinds[Kind]
}

const placesMin = 64 // a power of two, as every later length

export class HandleTable<Kinds extends Readonly<Record<string, Held>>> {
  readonly #limits: Readonly<Record<keyof Kinds, number>>
  #places: (Entry<Kinds, keyof Kinds> | undefined)[] = noEntries(placesMin)
  #open = 0
  readonly #counts = new Map<keyof Kinds, number>()
  readonly #ended = new Set<number>()
  #next = 1

  /** @param limits how many of each kind may be open at once */
  constructor(limits: Readonly<Record<keyof Kinds, number>>) {
    this.#limits = limits
  }

  /** Fails with `budget` before anything is opened. */
  expectRoom(kind: keyof Kinds): void {
    const limit = this.#limits[kind]
    if ((this.#counts.get(kind) ?? 0) >= limit) {
      fail('budget', `${limit} of kind "${String(kind)}" are open, the most that this app may have`)
    }
  }

  /** Closes the oldest of a kind when as many are open as may be. */
  makeRoom(kind: keyof Kinds): void {
    if ((this.#counts.get(kind) ?? 0) < this.#limits[kind]) return
    const oldest = this.#inOrder().find((entry) => entry.kind === kind)
    if (oldest !== undefined) this.close(oldest.handle)
  }

  /** Releases it and fails with `closed` when the process ended while it was being opened. */
  add<Kind extends keyof Kinds>(kind: Kind, process: number, held: Kinds[Kind]): number {
    if (this.#ended.has(process)) {
      held.release()
      fail('closed', 'the process that asked has ended')
    }
    const handle = this.#freeNumber()
    this.#places[this.#placeOf(handle)] = { handle, kind, process, held }
    this.#open += 1
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
    return handle
  }

  /** Fails with `closed` for a number that was never given out, is closed, or stands for something else. */
  get<Kind extends keyof Kinds>(kind: Kind, handle: number): Kinds[Kind] {
    return (
      this.find(kind, handle) ?? fail('closed', `there is no open handle ${handle} of kind "${String(kind)}"`)
    )
  }

  find<Kind extends keyof Kinds>(kind: Kind, handle: number): Kinds[Kind] | undefined {
    const entry = this.#entry(handle)
    return entry !== undefined && isOfKind(entry, kind) ? entry.held : undefined
  }

  /** Without effect when it is closed already. */
  close(handle: number): void {
    const entry = this.#entry(handle)
    if (entry === undefined) return
    this.#places[this.#placeOf(handle)] = undefined
    this.#open -= 1
    this.#counts.set(entry.kind, (this.#counts.get(entry.kind) ?? 1) - 1)
    entry.held.release()
  }

  /** Of this kind, in the order in which they were opened. */
  *heldOf<Kind extends keyof Kinds>(kind: Kind): Generator<Kinds[Kind]> {
    for (const entry of this.#inOrder()) if (isOfKind(entry, kind)) yield entry.held
  }

  /** This process has ended, and its number does not come again: everything that it opened, or is still opening. */
  endProcess(process: number): void {
    this.#ended.add(process)
    this.closeAll(process)
  }

  /** Everything that this process opened; all of it without one. */
  closeAll(process?: number): void {
    for (const entry of this.#inOrder()) {
      if (process === undefined || entry.process === process) this.close(entry.handle)
    }
  }

  /** True when this process has something open, or something waits for whichever process is there. */
  isHolding(process: number): boolean {
    return this.#inOrder().some((entry) => entry.process === process || entry.process === 0)
  }

  get open(): number {
    return this.#open
  }

  #entry(handle: number): Entry<Kinds, keyof Kinds> | undefined {
    const entry = this.#places[this.#placeOf(handle)]
    return entry?.handle === handle ? entry : undefined
  }

  #placeOf(handle: number): number {
    return handle & (this.#places.length - 1)
  }

  /** The next number whose place is free; at least every other place is. */
  #freeNumber(): number {
    if (this.#open * 2 >= this.#places.length) this.#grow()
    while (this.#places[this.#placeOf(this.#next)] !== undefined) this.#next += 1
    return this.#next++
  }

  #grow(): void {
    const entries = this.#inOrder()
    this.#places = noEntries(this.#places.length * 2)
    for (const entry of entries) this.#places[this.#placeOf(entry.handle)] = entry
  }

  /** As they were opened. */
  #inOrder(): Entry<Kinds, keyof Kinds>[] {
    return this.#places
      .filter((entry) => entry !== undefined)
      .toSorted((one, other) => one.handle - other.handle)
  }
}

function noEntries<Item>(length: number): (Item | undefined)[] {
  return Array.from({ length }, () => undefined)
}

function isOfKind<Kinds, Kind extends keyof Kinds>(
  entry: Entry<Kinds, keyof Kinds>,
  kind: Kind
): entry is Entry<Kinds, Kind> {
  return entry.kind === kind
}
