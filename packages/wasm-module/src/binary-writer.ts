/** Grows as it is written to; integers in their shortest LEB128. */

export class BinaryWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(Math.max(16, capacity))
  }

  get length(): number {
    return this.#length
  }

  /** A view of what was written; valid until the next write. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Copies `source` from `start` to `end`. */
  copy(source: Uint8Array, start: number, end: number): void {
    if (end > start) this.raw(source.subarray(start, end))
  }

  u32(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.byte(rest)
  }

  /** Signed LEB128 of a safe integer. */
  signed(value: number): void {
    let rest = value
    for (;;) {
      const low = ((rest % 128) + 128) % 128
      rest = (rest - low) / 128
      if ((rest === 0 && low < 64) || (rest === -1 && low >= 64)) return this.byte(low)
      this.byte(low | 0x80)
    }
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.u32(bytes.length)
    this.raw(bytes)
  }

  /** An instruction: its opcode (one byte, or prefix * 256 + number) and its immediates, all u32. */
  instruction(code: number, ...immediates: readonly number[]): void {
    if (code > 0xff) {
      this.byte(code >> 8)
      this.u32(code & 0xff)
    } else this.byte(code)
    for (const immediate of immediates) this.u32(immediate)
  }

  i32Const(value: number): void {
    this.byte(0x41)
    this.signed(value | 0)
  }

  i64Const(value: number): void {
    this.byte(0x42)
    this.signed(value)
  }

  #reserve(extra: number): void {
    const wanted = this.#length + extra
    if (wanted <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
