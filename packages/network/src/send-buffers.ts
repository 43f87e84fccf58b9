/**
 * Memory that what is sent in bulk waits in until the link has it, used again and again: who hands bytes over may write
 * over its own at once. Memory taken anew each time is freed by full collections of garbage only, and makes them due.
 */
const bufferBytes: number = 256 * 1024
const freeMax = 8 // what one turn of the event loop sends, and a link takes before a stream waits for it

export class SendBuffers {
  readonly #free: Uint8Array[] = []

  /** Its former contents are not cleared: nothing is sent of it but what was written there. */
  take(): Uint8Array {
    const buffer = this.#free.pop()
    if (buffer !== undefined) return buffer
    const { buffer: memory, byteOffset } = Buffer.allocUnsafeSlow(bufferBytes)
    return new Uint8Array(memory, byteOffset, bufferBytes)
  }

  /** @param buffers what `take` returned, each once */
  giveBack(buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) if (this.#free.length < freeMax) this.#free.push(buffer)
  }
}
