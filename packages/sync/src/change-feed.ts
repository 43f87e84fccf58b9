/**
 * Headers as they are taken, numbered, for peers that watch (spec 28, section 8). A watcher keeps only its number; one
 * that falls behind what is kept, or comes back after a restart, is told so and compares summaries before it goes on.
 */
import { equalBytes } from '@blocktree/codec'
import { type TakenRecord, recordType } from '@blocktree/tree'
import { changesKept } from './limits.ts'
import type { ToldChange } from './messages.ts'
import type { ScopeView } from './scope.ts'

const lifeBytes = 8
const numberBytes = 6

type Change = NonNullable<ToldChange['header']>

export class ChangeFeed {
  readonly #life: Uint8Array
  readonly #kept: (Change | undefined)[] = []
  #next = 1
  #waiting: Set<() => void> = new Set()

  /** @param life 8 random bytes, others at every start */
  constructor(life: Uint8Array) {
    this.#life = life.slice(0, lifeBytes)
  }

  take(taken: readonly TakenRecord[]): void {
    for (const { id, type, block, zone } of taken) {
      if (type !== recordType.header || block === undefined || zone === undefined) continue
      this.#kept[this.#next % changesKept] = { block, zone, record: id }
      this.#next++
    }
    this.#wake()
  }

  /** Changes of a scope after a token, then as they come. Ends with the signal. */
  async *watch(
    view: ScopeView,
    token: Uint8Array | undefined,
    signal: AbortSignal
  ): AsyncGenerator<ToldChange> {
    const start = token === undefined ? undefined : this.#position(token)
    let at = start ?? this.#next - 1
    if (start === undefined) yield { token: this.#token(at), header: undefined }
    while (!signal.aborted) {
      if (at < this.#next - 1 - changesKept) {
        at = this.#next - 1
        yield { token: this.#token(at), header: undefined }
      }
      const change = at + 1 < this.#next ? this.#kept[(at + 1) % changesKept] : undefined
      if (change === undefined) {
        await this.#nextChange(signal)
        continue
      }
      at++
      if (view.hasBlock(change.block, change.zone)) yield { token: this.#token(at), header: change }
    }
  }

  #position(token: Uint8Array): number | undefined {
    if (token.length !== lifeBytes + numberBytes || !equalBytes(token.subarray(0, lifeBytes), this.#life))
      return undefined
    let number = 0
    for (const byte of token.subarray(lifeBytes)) number = number * 256 + byte
    return number < this.#next && number >= this.#next - 1 - changesKept ? number : undefined
  }

  #token(number: number): Uint8Array {
    const token = new Uint8Array(lifeBytes + numberBytes)
    token.set(this.#life)
    let rest = number
    for (let at = token.length - 1; at >= lifeBytes; at--) {
      token[at] = rest % 256
      rest = Math.floor(rest / 256)
    }
    return token
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const done of waiting) done()
  }
}
