/** Lets a bounded number of exchanges with each peer run at one time (NSTART, RFC 7252 section 4.7); the others wait. */
import { CoapError } from './coap-error.ts'
import { waitingMax } from './limits.ts'

interface Turns {
  running: number
  readonly waiting: (() => void)[]
}

export class TurnQueue {
  readonly #runningMax: number
  readonly #turns = new Map<string, Turns>()
  #waiting = 0

  constructor(runningMax: number) {
    this.#runningMax = runningMax
  }

  /** Resolves when it is this one's turn. ERR_COAP_BUSY when too many wait. Each turn is given back by `done`. */
  async take(peer: string): Promise<void> {
    const turns = this.#turns.get(peer) ?? { running: 0, waiting: [] }
    this.#turns.set(peer, turns)
    if (turns.running < this.#runningMax) {
      turns.running++
      return
    }
    if (this.#waiting >= waitingMax)
      throw new CoapError('ERR_COAP_BUSY', `${waitingMax} requests wait already`)
    this.#waiting++
    await new Promise<void>((resolve) => {
      turns.waiting.push(resolve)
    })
    this.#waiting--
  }

  done(peer: string): void {
    const turns = this.#turns.get(peer)
    if (turns === undefined) return
    const next = turns.waiting.shift()
    if (next !== undefined) next()
    else if (--turns.running === 0) this.#turns.delete(peer)
  }
}
