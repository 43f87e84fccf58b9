/**
 * Base32 of RFC 4648, upper case, without padding: the text of references and capabilities. Strict: one spelling for
 * every byte string, so unused bits of the last character must be zero.
 */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const valueOf: Int8Array = new Int8Array(128).fill(-1)
for (let value = 0; value < alphabet.length; value++) valueOf[alphabet.charCodeAt(value)] = value

export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff // at most 4 bits are left over from before
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet.charAt((held >>> bits) & 31)
    }
  }
  return bits === 0 ? text : text + alphabet.charAt((held << (5 - bits)) & 31)
}

/** @returns undefined for any other text than `encodeBase32` gives for `length` bytes */
export function decodeBase32(text: string, length: number): Uint8Array | undefined {
  if (text.length !== Math.ceil((length * 8) / 5)) return undefined
  const bytes = new Uint8Array(length)
  let bits = 0
  let held = 0
  let filled = 0
  for (let index = 0; index < text.length; index++) {
    const value = valueOf[text.charCodeAt(index)] ?? -1
    if (value < 0) return undefined
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[filled++] = held >>> bits
  }
  return (held & ((1 << bits) - 1)) === 0 ? bytes : undefined
}
