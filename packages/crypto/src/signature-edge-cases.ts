/**
 * Constructed Ed25519 signatures at the edges where implementations part: keys and commitments with small-order
 * components, non-canonical encodings, S not reduced. The oracle decides each from the equations alone
 * (doc/spec/03-cryptography.md, section 5) with textbook double-and-add, sharing no code with either provider.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'

type Point = InstanceType<typeof ed25519.Point>

export interface SignatureEdgeCase {
  readonly title: string
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly keyAccepted: boolean
  /** The verdict on key and signature together. */
  readonly accepted: boolean
}

const { Point } = ed25519
const groupOrder = Point.Fn.ORDER
const fieldOrder = Point.Fp.ORDER

/** A point of order 8; its multiples are all points of small order. */
const torsionGenerator = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')

/** All encodings of small-order points, canonical or not, with both sign bits. */
const smallOrderEncodings: readonly Uint8Array[] = allSmallOrderEncodings()

/** Builds every combination; takes about two seconds, so keep the result. */
export function createSignatureEdgeCases(): readonly SignatureEdgeCase[] {
  return [
    ...torsionGrid(),
    ...smallOrderKeys(),
    ...smallOrderCommitments(),
    ...unreducedScalars(),
    ...nonCanonicalKeys(),
    ...tamperedSignatures()
  ]
}

/** A = aB + iT, R = rB + jT, with S right for the prime-order parts; cofactored verifiers accept all 64. */
function torsionGrid(): SignatureEdgeCase[] {
  return range(8).flatMap((i) =>
    range(8).flatMap((j) =>
      [0, 1, 2].map((round) => {
        const publicKey = torsioned(secretScalar, i).toBytes()
        const commitment = torsioned(nonceScalar + BigInt(round), j).toBytes()
        const message = messageOf(`grid ${i} ${j} ${round}`)
        return edgeCase(`key component ${i}, commitment component ${j}, round ${round}`, {
          publicKey,
          commitment,
          scalar: answer(publicKey, commitment, message, nonceScalar + BigInt(round)),
          message
        })
      })
    )
  )
}

/** A of small order in every spelling: S and R alone decide, so some verifiers accept them for any message. */
function smallOrderKeys(): SignatureEdgeCase[] {
  return smallOrderEncodings.flatMap((publicKey, index) =>
    [0n, 5n].map((scalar) =>
      edgeCase(`small-order key ${index}, S = ${scalar}`, {
        publicKey,
        commitment: multiply(Point.BASE, scalar).toBytes(),
        scalar,
        message: messageOf(`small-order key ${index}`)
      })
    )
  )
}

/** R of small order in every spelling under an honest key, S = kA so that a cofactored check holds. */
function smallOrderCommitments(): SignatureEdgeCase[] {
  const publicKey = torsioned(secretScalar, 0).toBytes()
  return smallOrderEncodings.map((commitment, index) => {
    const message = messageOf(`small-order commitment ${index}`)
    const scalar = answer(publicKey, commitment, message, 0n)
    return edgeCase(`small-order commitment ${index}`, { publicKey, commitment, scalar, message })
  })
}

/** S + nL: the same scalar to whoever reduces it. */
function unreducedScalars(): SignatureEdgeCase[] {
  const publicKey = torsioned(secretScalar, 0).toBytes()
  const commitment = torsioned(nonceScalar, 0).toBytes()
  const message = messageOf('unreduced')
  const scalar = answer(publicKey, commitment, message, nonceScalar)
  return range(15).map((multiple) =>
    edgeCase(`S + ${multiple}L`, {
      publicKey,
      commitment,
      scalar: scalar + BigInt(multiple) * groupOrder,
      message
    })
  )
}

/** Points whose y below 19 can be spelled as y + p. */
function nonCanonicalKeys(): SignatureEdgeCase[] {
  return range(19).flatMap((y) =>
    [0, 1].flatMap((sign) => {
      const publicKey = encodeY(fieldOrder + BigInt(y), sign)
      const commitment = torsioned(nonceScalar, 0).toBytes()
      const message = messageOf(`non-canonical ${y}`)
      return [
        edgeCase(`key y = p + ${y}, sign ${sign}`, { publicKey, commitment, scalar: nonceScalar, message })
      ]
    })
  )
}

/** An honest signature, then each with one bit changed somewhere. */
function tamperedSignatures(): SignatureEdgeCase[] {
  const publicKey = torsioned(secretScalar, 0).toBytes()
  const commitment = torsioned(nonceScalar, 0).toBytes()
  const message = messageOf('tampered')
  const honest = edgeCase('honest', {
    publicKey,
    commitment,
    scalar: answer(publicKey, commitment, message, nonceScalar),
    message
  })
  const changed = range(64).map((index) => {
    const signature = Uint8Array.from(honest.signature)
    signature[index] = (signature[index] ?? 0) ^ (1 << (index % 8))
    return judged(`honest, bit ${index % 8} of byte ${index} changed`, { ...honest, signature })
  })
  const shortened = judged('honest, last byte missing', {
    ...honest,
    signature: honest.signature.slice(0, 63)
  })
  return [honest, ...changed, shortened]
}

// -- the oracle -----------------------------------------------------------------------------------

/** MODEL B.1.4, first part: canonical, on the curve, not the identity, [L]A = identity. */
function isKeyAccepted(publicKey: Uint8Array): boolean {
  if ((littleEndian(publicKey) & ((1n << 255n) - 1n)) >= fieldOrder) return false
  const point = decode(publicKey)
  return point !== undefined && !point.is0() && multiply(point, groupOrder).is0()
}

/** MODEL B.1.4, second part. */
function isSignatureAccepted(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  const commitment = signature.slice(0, 32)
  const scalar = littleEndian(signature.slice(32))
  const key = decode(publicKey)
  if (scalar >= groupOrder || key === undefined) return false
  const commitmentPoint = decode(commitment)
  if (commitmentPoint !== undefined && multiply(commitmentPoint, 8n).is0()) return false
  const challenge = challengeOf(commitment, publicKey, message)
  const expected = multiply(Point.BASE, scalar).subtract(multiply(key, challenge)).toBytes()
  return expected.every((byte, index) => byte === commitment[index])
}

/** Lenient about y >= p, so that the small-order test sees non-canonical spellings too. */
function decode(encoding: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(encoding, true)
  } catch {
    return undefined
  }
}

function multiply(point: Point, scalar: bigint): Point {
  let result = Point.ZERO
  for (let bit = BigInt(scalar.toString(2).length) - 1n; bit >= 0n; bit--) {
    result = result.double()
    if (((scalar >> bit) & 1n) === 1n) result = result.add(point)
  }
  return result
}

function challengeOf(commitment: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  const digest = sha512.create().update(commitment).update(publicKey).update(message).digest()
  return littleEndian(digest) % groupOrder
}

// -- building blocks --------------------------------------------------------------------------------

const secretScalar = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdn
const nonceScalar = 0x0fedcba987654321fedcba987654321fedcba987654321fedcba98765432n

interface CaseParts {
  readonly publicKey: Uint8Array
  readonly commitment: Uint8Array
  readonly scalar: bigint
  readonly message: Uint8Array
}

function edgeCase(title: string, { publicKey, commitment, scalar, message }: CaseParts): SignatureEdgeCase {
  const signature = new Uint8Array(64)
  signature.set(commitment)
  signature.set(encodeScalar(scalar), 32)
  return judged(title, { publicKey, message, signature })
}

function judged(
  title: string,
  parts: { readonly publicKey: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array }
): SignatureEdgeCase {
  const { publicKey, message, signature } = parts
  const keyAccepted = isKeyAccepted(publicKey)
  const accepted = keyAccepted && isSignatureAccepted(publicKey, message, signature)
  return { title, publicKey, message, signature, keyAccepted, accepted }
}

/** scalar B + component T */
function torsioned(scalar: bigint, component: number): Point {
  return multiply(Point.BASE, scalar).add(multiply(torsionGenerator, BigInt(component)))
}

/** S = r + k a mod L */
function answer(publicKey: Uint8Array, commitment: Uint8Array, message: Uint8Array, nonce: bigint): bigint {
  return (nonce + challengeOf(commitment, publicKey, message) * secretScalar) % groupOrder
}

function allSmallOrderEncodings(): Uint8Array[] {
  const values = new Set(range(8).map((component) => multiply(torsionGenerator, BigInt(component)).y))
  const spellings = [...values].flatMap((y) => (y < 19n ? [y, y + fieldOrder] : [y]))
  return spellings.flatMap((y) => [encodeY(y, 0), encodeY(y, 1)])
}

function encodeY(y: bigint, sign: number): Uint8Array {
  return encodeScalar(y | (BigInt(sign) << 255n))
}

function encodeScalar(scalar: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((scalar >> BigInt(8 * index)) & 0xffn))
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function messageOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
