/** Integers of LevelDB: seven bits a byte, lowest first. */

/** The value and the offset behind it; NaN for one that does not end within ten bytes. */
export function readVarint(bytes: Uint8Array, offset: number): readonly [value: number, next: number] {
  let value = 0
  let factor = 1
  for (let index = offset; index < offset + 10; index++) {
    const byte = bytes[index] ?? 0
    value += (byte & 0x7f) * factor
    factor *= 128
    if (byte < 0x80) return [value, index + 1]
  }
  return [Number.NaN, offset + 10]
}
