/** The open connections: how many there are, and how many of one address, so that none takes the room of all. */
import type { Socket } from 'node:net'

export class ConnectionTable {
  readonly #perAddressMax: number
  readonly #byAddress = new Map<string, number>()
  #open = 0

  constructor(perAddressMax: number) {
    this.#perAddressMax = perAddressMax
  }

  get open(): number {
    return this.#open
  }

  /** Counts it until it closes; one too many of its address is ended at once. */
  take(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const count = this.#byAddress.get(address) ?? 0
    if (count >= this.#perAddressMax) {
      socket.destroy()
      return
    }
    this.#open += 1
    this.#byAddress.set(address, count + 1)
    socket.once('close', () => {
      this.#open -= 1
      this.#leave(address)
    })
  }

  #leave(address: string): void {
    const count = (this.#byAddress.get(address) ?? 1) - 1
    if (count === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, count)
  }
}
