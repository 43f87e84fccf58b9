/**
 * Bytes to lines. Whole runs of lines are decoded at once (that is what makes pipelining fast); a line beyond the limit
 * is skipped without being held, and the line after it counts again. The answers do not depend on how the input is split.
 */

/** A line that cannot be a message. */
export type LineProblem = 'too-long' | 'not-text'
export interface BadLine {
  readonly problem: LineProblem
}

const newline = 0x0a
const keptBufferBytesMax = 64 * 1024
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class LineReader {
  readonly #lineBytesMax: number
  readonly #queue: (string | BadLine)[] = [] // texts are runs of lines, each ended by a newline
  #queueIndex = 0
  #run = ''
  #position = 0
  #partial: Uint8Array = new Uint8Array(0) // the line not ended yet, with room to grow
  #partialLength = 0
  #skipping = false

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax
  }

  push(chunk: Uint8Array): void {
    const last = chunk.lastIndexOf(newline)
    if (last < 0) {
      this.#hold(chunk)
      return
    }
    let start = 0
    if (this.#skipping || this.#partialLength > 0) {
      start = chunk.indexOf(newline) + 1
      this.#hold(chunk.subarray(0, start - 1))
      this.#endPartial()
    }
    if (start <= last) this.#enqueueRun(chunk.subarray(start, last + 1))
    if (last + 1 < chunk.length) this.#hold(chunk.subarray(last + 1))
  }

  /** Counts what is held as a line, at the end of the input. */
  finish(): void {
    if (this.#skipping || this.#partialLength > 0) this.#endPartial()
  }

  /** The next line without its newline, or undefined when no whole line is there. */
  next(): string | BadLine | undefined {
    while (this.#position >= this.#run.length) {
      if (this.#queueIndex >= this.#queue.length) {
        this.#run = ''
        this.#position = 0
        return undefined
      }
      const entry = this.#queue[this.#queueIndex++]
      if (this.#queueIndex === this.#queue.length) {
        this.#queue.length = 0
        this.#queueIndex = 0
      }
      if (typeof entry !== 'string') return entry
      this.#run = entry
      this.#position = 0
    }
    const end = this.#run.indexOf('\n', this.#position)
    const line = this.#run.slice(this.#position, end)
    this.#position = end + 1
    return line
  }

  #hold(bytes: Uint8Array): void {
    if (this.#skipping) return
    const length = this.#partialLength + bytes.length
    if (length > this.#lineBytesMax) {
      this.#queue.push({ problem: 'too-long' })
      this.#skipping = true
      this.#partial = new Uint8Array(0)
      this.#partialLength = 0
      return
    }
    if (length > this.#partial.length) {
      const grown = new Uint8Array(
        Math.min(Math.max(length, this.#partial.length * 2, 256), this.#lineBytesMax)
      )
      grown.set(this.#partial.subarray(0, this.#partialLength))
      this.#partial = grown
    }
    this.#partial.set(bytes, this.#partialLength)
    this.#partialLength = length
  }

  #endPartial(): void {
    if (!this.#skipping) this.#enqueueLine(this.#partial.subarray(0, this.#partialLength))
    this.#skipping = false
    this.#partialLength = 0
    if (this.#partial.length > keptBufferBytesMax) this.#partial = new Uint8Array(0)
  }

  #enqueueRun(run: Uint8Array): void {
    if (run.length <= this.#lineBytesMax) {
      try {
        this.#queue.push(decoder.decode(run))
        return
      } catch {
        // One line of the run is not text; only that one is refused.
      }
    }
    let start = 0
    while (start < run.length) {
      const end = run.indexOf(newline, start)
      this.#enqueueLine(run.subarray(start, end))
      start = end + 1
    }
  }

  #enqueueLine(line: Uint8Array): void {
    if (line.length > this.#lineBytesMax) {
      this.#queue.push({ problem: 'too-long' })
      return
    }
    try {
      this.#queue.push(`${decoder.decode(line)}\n`)
    } catch {
      this.#queue.push({ problem: 'not-text' })
    }
  }
}
