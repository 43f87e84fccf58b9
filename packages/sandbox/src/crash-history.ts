/** When an app that crashes may be started again: at once, then after growing delays, then not at all. */

const windowMs = 60_000
const crashesMax = 5 // in one window; then the app is suspended
const delaysMs = [0, 100, 300, 1000, 3000] // after the first, second, … crash of a window

export class CrashHistory {
  #crashesMs: number[] = []
  #total = 0

  get total(): number {
    return this.#total
  }

  /** @returns milliseconds to wait, or undefined when the app is to be suspended */
  add(nowMs: number): number | undefined {
    this.#total++
    this.#crashesMs = this.#crashesMs.filter((crashMs) => nowMs - crashMs < windowMs)
    this.#crashesMs.push(nowMs)
    return this.#crashesMs.length >= crashesMax ? undefined : delaysMs[this.#crashesMs.length - 1]
  }

  forget(): void {
    this.#crashesMs = []
  }
}
