/**
 * Sectors and inner nodes of a payload, sealed one by one (B.6; doc/spec/06-headers-and-payload.md). Each gets a
 * fresh key that is made here, used once and returned with the ciphertext, so the nonce is zero. In public zones
 * (aead 0) bytes stand in clear and keys are empty.
 */
import { CanonicalReader, CanonicalWriter, CodecError, equalBytes } from '@blocktree/codec'
import { type AeadCode, type CryptoProvider, type Random, aeadTagBytes } from '@blocktree/crypto'
import { bigEndian64, domain, zeroId, zeroNonce } from './domain.ts'
import { payloadFanOut, payloadLevelsMax } from './limits.ts'
import { noAead } from './payload-shape.ts'
import type { Id } from './records.ts'
import { TreeError } from './tree-error.ts'

const hashBytes = 32
const noBytes = new Uint8Array(0)

/** Where sealed bytes are and what opens them. A hole, bytes that are all zero and stored nowhere, has a zero hash. */
export interface Reference {
  readonly hash: Id
  readonly key: Uint8Array // 32 bytes, secret; empty in public zones
}

/** A sector or node as it is stored, with its key. */
export interface SealedSector extends Reference {
  readonly bytes: Uint8Array
}

/** What sealing needs to know; `aead` is 0 in public zones. */
export interface SealContext {
  readonly crypto: CryptoProvider
  readonly random: Random
  readonly block: Id
  readonly aead: AeadCode | typeof noAead
}

export function isHole(reference: Pick<Reference, 'hash'>): boolean {
  return equalBytes(reference.hash, zeroId)
}

export function holeReference(aead: number): Reference {
  return { hash: zeroId, key: aead === noAead ? noBytes : zeroId }
}

const associatedByLevel: readonly Uint8Array[] = Array.from({ length: payloadLevelsMax + 1 }, (_, level) => {
  const associated = new Uint8Array(domain.sector.length + 1)
  associated.set(domain.sector)
  associated[domain.sector.length] = level
  return associated
})

const byteByLevel: readonly Uint8Array[] = associatedByLevel.map((_, level) => Uint8Array.of(level))

function levelByte(level: number): Uint8Array {
  return byteByLevel[level] ?? Uint8Array.of(level)
}

function sectorAssociatedData(level: number): Uint8Array {
  return associatedByLevel[level] ?? noBytes
}

function nodeAssociatedData(level: number, hashes: Uint8Array): Uint8Array {
  const prefix = sectorAssociatedData(level)
  const associated = new Uint8Array(prefix.length + hashes.length)
  associated.set(prefix)
  associated.set(hashes, prefix.length)
  return associated
}

/**
 * A key for this one encryption. Hedged: a generator that repeats itself (a restored machine snapshot) still gives
 * another key for other content, because a tag over the content goes in (doc/adr/0003-payload-and-header-sealing.md).
 */
function drawKey(context: SealContext, level: number, index: number, content: Uint8Array): Uint8Array {
  if (context.aead === noAead) return noBytes
  const { crypto } = context
  const drawn = context.random.bytes(64)
  const tag = crypto.aeadSeal(context.aead, drawn.subarray(0, 32), zeroNonce, content, noBytes)
  return crypto.hmacSha256(drawn.subarray(32), [context.block, levelByte(level), bigEndian64(index), tag])
}

/**
 * @param plaintext sector `index`, padded by the caller to its stored length
 * @param target where to put the sealed bytes, of exactly `sectorStoredBytes`; a new buffer when absent
 */
export function sealSector(
  context: SealContext,
  index: number,
  plaintext: Uint8Array,
  target?: Uint8Array
): SealedSector {
  const { crypto, aead } = context
  const key = drawKey(context, 0, index, plaintext)
  const bytes = target ?? new Uint8Array(sectorStoredBytes(aead, plaintext.length))
  if (aead === noAead) bytes.set(plaintext)
  else {
    const buffers = { associated: sectorAssociatedData(0), plaintext, target: bytes }
    crypto.aeadSealInto(aead, key, zeroNonce, buffers)
  }
  return { hash: crypto.sha256(bytes), key, bytes }
}

/**
 * @param bytes already compared with the hash of the reference (see `checkSectorHash`)
 * @returns the plaintext with its padding; a view of `bytes` in public zones
 * @throws ERR_SECTOR_SEALED
 */
export function openSector(
  crypto: CryptoProvider,
  aead: number,
  key: Uint8Array,
  bytes: Uint8Array
): Uint8Array {
  if (aead === noAead) return bytes
  const plaintext = crypto.aeadOpen(knownAead(aead), key, zeroNonce, sectorAssociatedData(0), bytes)
  if (plaintext === undefined)
    throw new TreeError('ERR_SECTOR_SEALED', 'a sector does not open under its key')
  return plaintext
}

/** ERR_SECTOR_HASH unless `bytes` hash to `hash`. */
export function checkSectorHash(crypto: CryptoProvider, hash: Id, bytes: Uint8Array): void {
  if (!equalBytes(crypto.sha256(bytes), hash)) {
    throw new TreeError('ERR_SECTOR_HASH', 'the bytes of a sector do not hash to its reference')
  }
}

function knownAead(code: number): AeadCode {
  if (code === 1 || code === 2) return code
  throw new TreeError('ERR_RECORD_UNKNOWN_FORMAT', `AEAD ${code} is not known here`)
}

/** @param level 1 or more; `children` are 1 to 256 references of the level below */
export function sealNode(
  context: SealContext,
  level: number,
  index: number,
  children: readonly Reference[]
): SealedSector {
  const { crypto, aead } = context
  const hashes = new Uint8Array(children.length * hashBytes)
  const keys = new Uint8Array(aead === noAead ? 0 : children.length * hashBytes)
  children.forEach((child, position) => {
    hashes.set(child.hash, position * hashBytes)
    if (aead !== noAead) keys.set(child.key, position * hashBytes)
  })
  const key = drawKey(context, level, index, nodeContent(hashes, keys))
  const sealedKeys =
    aead === noAead ? noBytes : crypto.aeadSeal(aead, key, zeroNonce, nodeAssociatedData(level, hashes), keys)
  const bytes = new CanonicalWriter(hashes.length + sealedKeys.length + 16)
    .array(3)
    .uint(level)
    .bin(hashes)
    .bin(sealedKeys)
    .finish()
  return { hash: crypto.sha256(bytes), key, bytes }
}

function nodeContent(hashes: Uint8Array, keys: Uint8Array): Uint8Array {
  const content = new Uint8Array(hashes.length + keys.length)
  content.set(hashes)
  content.set(keys, hashes.length)
  return content
}

/** The clear part of an inner node: what a host without keys sees. */
export interface NodeListing {
  readonly level: number
  readonly hashes: readonly Id[] // of the children; a zero hash is a hole
  readonly hashBytes: Uint8Array
  readonly sealedKeys: Uint8Array
}

/**
 * Reads an inner node without its key.
 * @throws ERR_PAYLOAD_SHAPE when it is no node of `level` and `aead`
 */
export function listNode(aead: number, level: number, bytes: Uint8Array): NodeListing {
  const node = readNode(bytes)
  const count = node.hashBytes.length / hashBytes
  const keyBytes = aead === noAead ? 0 : count * hashBytes + aeadTagBytes
  if (node.level !== level || !Number.isInteger(count) || node.sealedKeys.length !== keyBytes) {
    throw new TreeError('ERR_PAYLOAD_SHAPE', `this is no inner node of level ${level}`)
  }
  const hashes: Id[] = []
  for (let position = 0; position < count; position++) {
    hashes.push(node.hashBytes.subarray(position * hashBytes, (position + 1) * hashBytes))
  }
  return { ...node, hashes }
}

function readNode(bytes: Uint8Array): Pick<NodeListing, 'level' | 'hashBytes' | 'sealedKeys'> {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(3)
    const level = reader.uint(payloadLevelsMax, 1)
    const hashes = reader.bin(payloadFanOut * hashBytes, hashBytes)
    const sealedKeys = reader.bin(payloadFanOut * hashBytes + aeadTagBytes)
    reader.end()
    return { level, hashBytes: hashes, sealedKeys }
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new TreeError('ERR_PAYLOAD_SHAPE', `an inner node is malformed: ${cause.message}`, { cause })
  }
}

/**
 * Opens an inner node; the bytes were compared with their hash before.
 * @throws ERR_PAYLOAD_SHAPE unless it has `count` children, ERR_SECTOR_SEALED when the keys do not open
 */
export function openNode(
  crypto: CryptoProvider,
  aead: number,
  node: {
    readonly level: number
    readonly count: number
    readonly key: Uint8Array
    readonly bytes: Uint8Array
  }
): readonly Reference[] {
  const listing = listNode(aead, node.level, node.bytes)
  if (listing.hashes.length !== node.count) {
    throw new TreeError(
      'ERR_PAYLOAD_SHAPE',
      `an inner node of level ${node.level} has ${listing.hashes.length} children instead of ${node.count}`
    )
  }
  if (aead === noAead) return listing.hashes.map((hash) => ({ hash, key: noBytes }))
  const keys = crypto.aeadOpen(
    knownAead(aead),
    node.key,
    zeroNonce,
    nodeAssociatedData(node.level, listing.hashBytes),
    listing.sealedKeys
  )
  if (keys === undefined)
    throw new TreeError('ERR_SECTOR_SEALED', 'an inner node does not open under its key')
  return listing.hashes.map((hash, position) => ({
    hash,
    key: keys.subarray(position * hashBytes, (position + 1) * hashBytes)
  }))
}

/** Stored bytes of an inner node with `count` children. */
export function nodeStoredBytes(aead: number, count: number): number {
  const hashes = count * hashBytes
  const keys = aead === noAead ? 0 : hashes + aeadTagBytes
  return 2 + binBytes(hashes) + binBytes(keys)
}

function binBytes(length: number): number {
  return length + (length < 0x100 ? 2 : length < 0x10000 ? 3 : 5)
}

/** Stored bytes of a sector whose plaintext has `length` bytes with its padding. */
export function sectorStoredBytes(aead: number, length: number): number {
  return aead === noAead ? length : length + aeadTagBytes
}
