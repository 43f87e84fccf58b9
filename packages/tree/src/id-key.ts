/** Ids as keys of maps: hexadecimal, which the runtime makes faster than any other text and which sorts as the bytes do. */
import { equalBytes } from '@blocktree/codec'
import type { Id } from './records.ts'

export function idKey(id: Id): string {
  return id.toHex()
}

/** A map keyed by id. What was found last is found again without making text of the id: it is asked for most often. */
export class IdMap<Value> {
  readonly #values: Map<string, Value> = new Map()
  #last: Value | undefined
  /** Of `#last`; a copy, so that nothing larger is held through it. */
  readonly #lastId: Uint8Array = new Uint8Array(32)

  get size(): number {
    return this.#values.size
  }
  get(id: Id): Value | undefined {
    if (this.#last !== undefined && equalBytes(id, this.#lastId)) return this.#last
    const found = this.#values.get(idKey(id))
    if (found === undefined || id.length !== this.#lastId.length) return found
    this.#last = found
    this.#lastId.set(id)
    return found
  }
  has(id: Id): boolean {
    return this.#values.has(idKey(id))
  }
  set(id: Id, value: Value): void {
    this.#last = undefined
    this.#values.set(idKey(id), value)
  }
  delete(id: Id): boolean {
    this.#last = undefined
    return this.#values.delete(idKey(id))
  }
  clear(): void {
    this.#last = undefined
    this.#values.clear()
  }
  values(): IterableIterator<Value> {
    return this.#values.values()
  }
}

/** Lists of values by id, without empty lists. */
export class IdLists<Value> {
  readonly #lists: Map<string, Value[]> = new Map()

  get(id: Id): readonly Value[] {
    return this.#lists.get(idKey(id)) ?? []
  }
  add(id: Id, value: Value): void {
    const key = idKey(id)
    const list = this.#lists.get(key)
    if (list === undefined) this.#lists.set(key, [value])
    else list.push(value)
  }
  remove(id: Id, value: Value): void {
    const key = idKey(id)
    const rest = (this.#lists.get(key) ?? []).filter((other) => other !== value)
    if (rest.length === 0) this.#lists.delete(key)
    else this.#lists.set(key, rest)
  }
}

/** A set of ids. */
export class IdSet {
  readonly #keys: Set<string> = new Set()

  constructor(ids: Iterable<Id> = []) {
    for (const id of ids) this.add(id)
  }
  get size(): number {
    return this.#keys.size
  }
  has(id: Id): boolean {
    return this.#keys.has(idKey(id))
  }
  /** @returns false when it was in already */
  add(id: Id): boolean {
    const before = this.#keys.size
    this.#keys.add(idKey(id))
    return this.#keys.size !== before
  }
  delete(id: Id): boolean {
    return this.#keys.delete(idKey(id))
  }
}

/** A map that forgets what was least recently used. */
export class BoundedMap<Value> {
  readonly #values: Map<string, Value> = new Map()
  readonly #countMax: number

  constructor(countMax: number) {
    this.#countMax = countMax
  }
  get(id: Id): Value | undefined {
    const key = idKey(id)
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }
  set(id: Id, value: Value): void {
    const key = idKey(id)
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#countMax) return
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest)
      return
    }
  }
  delete(id: Id): void {
    this.#values.delete(idKey(id))
  }
  clear(): void {
    this.#values.clear()
  }
}
