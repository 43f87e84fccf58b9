/**
 * Where parts land as they come: each byte is copied once, out of what the network read into a long-lived buffer that is
 * verified, written to the log from, and then used again. Memory that lives for one batch only would be old when the disk
 * has it, and its number is what makes full collections of garbage due.
 */
const bufferBytes: number = 4 * 1024 * 1024
const freeMax = 8 // buffers kept for the next batches

interface Landing {
  readonly bytes: Uint8Array
  used: number
  /** Places taken and not given back. */
  open: number
}

export class LandingPlaces {
  readonly #landings: WeakMap<ArrayBufferLike, Landing> = new WeakMap()
  #free: Landing[] = []
  #current: Landing | undefined

  /** Room for at most the longest part, that nobody else writes to until it is given back; its former contents are not cleared. */
  take(length: number): Uint8Array {
    let landing = this.#current
    if (landing === undefined || landing.used + length > bufferBytes) {
      landing = this.#free.pop() ?? this.#create()
      this.#current = landing
    }
    const place = landing.bytes.subarray(landing.used, landing.used + length)
    landing.used += length
    landing.open++
    return place
  }

  /** @param place what `take` returned, once; nobody reads or writes it from now on */
  giveBack(place: Uint8Array): void {
    const landing = this.#landings.get(place.buffer)
    if (landing === undefined || --landing.open > 0) return
    landing.used = 0
    if (landing === this.#current) return
    if (this.#free.length < freeMax) this.#free.push(landing)
  }

  /** Keeps no memory that is not in use. */
  clear(): void {
    if (this.#current?.open === 0) this.#current = undefined
    this.#free = []
  }

  #create(): Landing {
    const landing = { bytes: new Uint8Array(bufferBytes), used: 0, open: 0 }
    this.#landings.set(landing.bytes.buffer, landing)
    return landing
  }
}
