/**
 * Numbers that stand for something open. A number is of one run of one app, is never used twice, and goes with the
 * process that got it: the locks, watches, requests and sockets of a killed process are released.
 */
import { fail } from './host-failure.ts'

export interface Held {
  /** Called once: by `close`, when the process ends, or when the app stops. Must not throw. */
  release(): void
}

interface Entry<Kinds, Kind extends keyof Kinds> {
  readonly kind: Kind
  readonly process: number
  readonly held: Kinds[Kind]
}

export class HandleTable<Kinds extends Readonly<Record<string, Held>>> {
  readonly #limits: Readonly<Record<keyof Kinds, number>>
  readonly #entries = new Map<number, Entry<Kinds, keyof Kinds>>()
  readonly #counts = new Map<keyof Kinds, number>()
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

  add<Kind extends keyof Kinds>(kind: Kind, process: number, held: Kinds[Kind]): number {
    const handle = this.#next
    this.#next += 1
    this.#entries.set(handle, { kind, process, held })
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
    const entry = this.#entries.get(handle)
    return entry !== undefined && isOfKind(entry, kind) ? entry.held : undefined
  }

  /** Without effect when it is closed already. */
  close(handle: number): void {
    const entry = this.#entries.get(handle)
    if (entry === undefined) return
    this.#entries.delete(handle)
    this.#counts.set(entry.kind, (this.#counts.get(entry.kind) ?? 1) - 1)
    entry.held.release()
  }

  /** Everything that this process opened; all of it without one. */
  closeAll(process?: number): void {
    for (const [handle, entry] of [...this.#entries]) {
      if (process === undefined || entry.process === process) this.close(handle)
    }
  }

  /** True when this process has something open, or something waits for whichever process is there. */
  isHolding(process: number): boolean {
    for (const entry of this.#entries.values())
      if (entry.process === process || entry.process === 0) return true
    return false
  }

  get open(): number {
    return this.#entries.size
  }
}

function isOfKind<Kinds, Kind extends keyof Kinds>(
  entry: Entry<Kinds, keyof Kinds>,
  kind: Kind
): entry is Entry<Kinds, Kind> {
  return entry.kind === kind
}
