/**
 * The requests that are being answered. Each knows its place in one array, so that neither adding nor taking away makes
 * anything new: a Set that is written for every request is copied again and again, and one old copy keeps all later
 * ones, with the requests in them, from being collected cheaply (doc/adr/0012).
 */
import type { Exchange } from './exchange.ts'

export class RunningExchanges {
  readonly #exchanges: Exchange[] = []

  get size(): number {
    return this.#exchanges.length
  }

  add(exchange: Exchange): void {
    exchange.place = this.#exchanges.length
    this.#exchanges.push(exchange)
  }

  /** Of one that was added, once; the last of them takes its place. */
  delete(exchange: Exchange): void {
    const last = this.#exchanges.pop()
    if (last === undefined || last === exchange) return
    this.#exchanges[exchange.place] = last
    last.place = exchange.place
  }

  /** All of now, whatever is added or taken away meanwhile. */
  list(): readonly Exchange[] {
    return [...this.#exchanges]
  }
}
