/**
 * The parts of the one Ed25519 rule that need no curve arithmetic (doc/spec/03-cryptography.md, section 5).
 * Implementations differ exactly at these edges, so both providers ask here before they ask their library.
 */

/** L, the order of the prime-order subgroup, as 32 little-endian bytes. */
const groupOrder: Uint8Array = Uint8Array.of(
  0xed,
  0xd3,
  0xf5,
  0x5c,
  0x1a,
  0x63,
  0x12,
  0x58,
  0xd6,
  0x9c,
  0xf7,
  0xa2,
  0xde,
  0xf9,
  0xde,
  0x14,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0x10
)

/**
 * The y coordinates of the eight points of small order, canonical (0, 1, -1, the two of order 8) and not (p, p + 1).
 * Every x of them is covered because the sign bit is masked before comparing.
 */
const smallOrderY: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'
].map((hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))

/**
 * True when a signature has 64 bytes, S < L, and an R that no encoding of a small-order point spells.
 * What is left to the library: the bytes of R equal encode([S]B - [k]A).
 */
export function hasValidSignatureShape(signature: Uint8Array): boolean {
  return signature.length === 64 && isScalarReduced(signature) && !isSmallOrderEncoding(signature)
}

/** S < L, compared from the most significant byte down. */
function isScalarReduced(signature: Uint8Array): boolean {
  for (let index = 31; index >= 0; index--) {
    const difference = (signature[32 + index] ?? 0) - (groupOrder[index] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** Looks at the first 32 bytes only. */
function isSmallOrderEncoding(signature: Uint8Array): boolean {
  return smallOrderY.some((y) => y[0] === signature[0] && matchesIgnoringSign(signature, y))
}

function matchesIgnoringSign(encoding: Uint8Array, y: Uint8Array): boolean {
  for (let index = 0; index < 31; index++) {
    if (encoding[index] !== y[index]) return false
  }
  return ((encoding[31] ?? 0) & 0x7f) === y[31]
}
