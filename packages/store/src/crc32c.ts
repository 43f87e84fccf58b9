/** CRC-32C (Castagnoli), which the files of LevelDB carry; four tables, about 500 MB/s. */
const tables: readonly Uint32Array[] = makeTables()

/** The checksum of `bytes` from `start` to `end`, continued from `before`. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, before = 0): number {
  const [t0, t1, t2, t3] = tables
  if (t0 === undefined || t1 === undefined || t2 === undefined || t3 === undefined) return 0
  let crc = ~before
  let index = start
  for (; index + 4 <= end; index += 4) {
    crc ^=
      (bytes[index] ?? 0) |
      ((bytes[index + 1] ?? 0) << 8) |
      ((bytes[index + 2] ?? 0) << 16) |
      ((bytes[index + 3] ?? 0) << 24)
    crc =
      (t3[crc & 0xff] ?? 0) ^
      (t2[(crc >>> 8) & 0xff] ?? 0) ^
      (t1[(crc >>> 16) & 0xff] ?? 0) ^
      (t0[crc >>> 24] ?? 0)
  }
  for (; index < end; index++) crc = (t0[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  return ~crc >>> 0
}

/** LevelDB stores its checksums rotated and shifted, so that a checksum over a checksum is no fixed point. */
export function unmaskChecksum(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

function makeTables(): readonly Uint32Array[] {
  const first = new Uint32Array(256)
  for (let index = 0; index < 256; index++) {
    let value = index
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
    first[index] = value >>> 0
  }
  const all = [first]
  for (let table = 1; table < 4; table++) {
    const before = all[table - 1] ?? first
    const next = new Uint32Array(256)
    for (let index = 0; index < 256; index++) {
      const value = before[index] ?? 0
      next[index] = ((first[value & 0xff] ?? 0) ^ (value >>> 8)) >>> 0
    }
    all.push(next)
  }
  return all
}
