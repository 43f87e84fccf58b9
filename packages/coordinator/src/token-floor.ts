/**
 * What the protected store keeps of fencing tokens: the highest one seen of each name. Whoever writes under an older token
 * lost its lease, even if it never heard so, and is refused.
 */
export class TokenFloor {
  readonly #highest: Map<string, number>

  /** @param known what was kept before, so that a restart forgets nothing */
  constructor(known: Iterable<readonly [string, number]> = []) {
    this.#highest = new Map(known)
  }

  /** The highest token seen under a name; 0 before the first. */
  highest(name: string): number {
    return this.#highest.get(name) ?? 0
  }

  /** False for a token lower than one seen before: the write must not happen. */
  admit(name: string, token: number): boolean {
    if (token < this.highest(name)) return false
    this.#highest.set(name, token)
    return true
  }

  entries(): Iterable<readonly [string, number]> {
    return this.#highest.entries()
  }
}
