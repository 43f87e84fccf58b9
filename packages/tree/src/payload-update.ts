/**
 * Changing a payload: random writes, append, truncate. Only the sectors that change and the nodes above them are
 * sealed anew; everything else keeps its reference (B.6).
 */
import type { AeadCode } from '@blocktree/crypto'
import { payloadFanOut } from './limits.ts'
import { type EmitSector, type PayloadState, payloadState } from './payload-assembly.ts'
import { PayloadReader, type ReadSector, coveredRange } from './payload-reader.ts'
import { bytesPerReference, childrenOfNode, leafLength, noAead, payloadLevels } from './payload-shape.ts'
import type { SealContext } from './sector.ts'
import {
  type Reference,
  holeReference,
  isHole,
  nodeStoredBytes,
  sealNode,
  sealSector,
  sectorStoredBytes
} from './sector.ts'
import { TreeError } from './tree-error.ts'

export interface PayloadChange {
  /** Bytes to put in place; where two overlap the later one stands. */
  readonly writes?: readonly { readonly offset: number; readonly bytes: Uint8Array }[]
  /** The size afterwards; when absent, the larger of the old size and the end of the last write. */
  readonly size?: number
}

export interface UpdateDeps {
  readonly context: Omit<SealContext, 'aead'>
  readonly readSector: ReadSector
  readonly isVerified: boolean
  readonly emit: EmitSector
}

/**
 * @returns the state after the change; sectors that are no longer referenced stay where they are
 * @throws ERR_PAYLOAD_RANGE for a write outside the new size, and what a PayloadReader throws
 */
export function updatePayload(deps: UpdateDeps, current: PayloadState, change: PayloadChange): PayloadState {
  return new Update(deps, current, change).run()
}

class Update {
  readonly #deps: UpdateDeps
  readonly #context: SealContext
  readonly #old: PayloadState
  readonly #reader: PayloadReader
  readonly #writes: NonNullable<PayloadChange['writes']>
  readonly #size: number
  readonly #sectorLog2: number
  readonly #aead: AeadCode | typeof noAead
  /** Places of the old tree that the new one takes over. */
  readonly #kept = new Set<string>()
  /** Stored bytes below full old nodes that lie beyond the new end, by hash: a payload may name one node often. */
  readonly #removedBelow = new Map<string, number>()
  #stored = 0

  constructor(deps: UpdateDeps, current: PayloadState, change: PayloadChange) {
    const aead = current.payload.aead
    this.#aead = aead === 1 || aead === 2 ? aead : noAead
    this.#deps = deps
    this.#context = { ...deps.context, aead: this.#aead }
    this.#old = current
    this.#reader = new PayloadReader(deps.context.crypto, current, deps)
    this.#writes = (change.writes ?? []).filter(({ bytes }) => bytes.length > 0)
    this.#sectorLog2 = current.payload.sectorLog2
    const end = this.#writes.reduce((last, { offset, bytes }) => Math.max(last, offset + bytes.length), 0)
    this.#size = change.size ?? Math.max(current.size, end)
    const isInRange = this.#writes.every(({ offset }) => Number.isSafeInteger(offset) && offset >= 0)
    if (!Number.isSafeInteger(this.#size) || this.#size < 0 || !isInRange || end > this.#size) {
      throw new TreeError(
        'ERR_PAYLOAD_RANGE',
        `a write up to ${end} does not fit in a payload of ${this.#size} bytes`
      )
    }
  }

  run(): PayloadState {
    const levels = payloadLevels(this.#size, this.#sectorLog2)
    const root = this.#size === 0 ? holeReference(this.#aead) : this.#build(levels, 0)
    return payloadState(this.#aead, this.#sectorLog2, this.#size, { ...root, stored: this.#storedAfter() })
  }

  /** The old figure is the claim of its writer: a false one makes a false one here, but no update fail. */
  #storedAfter(): number {
    const stored = this.#old.payload.stored + this.#stored - this.#removed(this.#old.payload.levels, 0)
    return Math.min(Math.max(stored, this.#stored), Number.MAX_SAFE_INTEGER)
  }

  /** The reference at a place of the new tree, taken over or sealed anew. */
  #build(level: number, index: number): Reference {
    const [from, to] = coveredRange(this.#size, this.#sectorLog2, level, index)
    const [, oldTo] = coveredRange(this.#old.size, this.#sectorLog2, level, index)
    if (!this.#isWritten(from, to)) {
      if (from >= this.#old.size) return holeReference(this.#aead)
      const kept = to === oldTo ? this.#reader.reference(level, index) : undefined
      if (kept !== undefined) {
        this.#kept.add(`${level}/${index}`)
        return kept
      }
    }
    return level === 0 ? this.#buildLeaf(index, from, to) : this.#buildNode(level, index)
  }

  #isWritten(from: number, to: number): boolean {
    return this.#writes.some(({ offset, bytes }) => offset < to && offset + bytes.length > from)
  }

  #buildLeaf(index: number, from: number, to: number): Reference {
    const isWritten = this.#isWritten(from, to)
    const before = this.#reader.reference(0, index)
    if (!isWritten && (before === undefined || isHole(before))) return holeReference(this.#aead)
    const plaintext = new Uint8Array(leafLength(this.#size, this.#sectorLog2, index))
    if (before !== undefined && from < this.#old.size && !this.#isOverwritten(from, to)) {
      plaintext.set(this.#reader.read(from, Math.min(to, this.#old.size) - from))
    }
    for (const { offset, bytes } of this.#writes) {
      const start = Math.max(offset, from)
      const end = Math.min(offset + bytes.length, to)
      if (start < end) plaintext.set(bytes.subarray(start - offset, end - offset), start - from)
    }
    return this.#emit(sealSector(this.#context, index, plaintext))
  }

  /** True when one write covers the whole sector, so that the old one need not be read. */
  #isOverwritten(from: number, to: number): boolean {
    return this.#writes.some(({ offset, bytes }) => offset <= from && offset + bytes.length >= to)
  }

  #buildNode(level: number, index: number): Reference {
    const count = childrenOfNode(this.#size, this.#sectorLog2, level, index)
    const children: Reference[] = []
    for (let child = 0; child < count; child++) {
      children.push(this.#build(level - 1, index * payloadFanOut + child))
    }
    if (children.every(isHole)) return holeReference(this.#aead)
    return this.#emit(sealNode(this.#context, level, index, children))
  }

  #emit(sealed: Reference & { readonly bytes: Uint8Array }): Reference {
    this.#deps.emit({ reference: sealed.hash, bytes: sealed.bytes })
    this.#stored += sealed.bytes.length
    return { hash: sealed.hash, key: sealed.key }
  }

  /** Stored bytes of everything in the old tree, from a place down, that the new one does not take over. */
  #removed(level: number, index: number): number {
    const reference = this.#reader.reference(level, index)
    if (reference === undefined || isHole(reference) || this.#kept.has(`${level}/${index}`)) return 0
    if (level === 0) {
      return sectorStoredBytes(this.#aead, leafLength(this.#old.size, this.#sectorLog2, index))
    }
    const width = bytesPerReference(level, this.#sectorLog2)
    const isWhole = index * width >= this.#size && (index + 1) * width <= this.#old.size
    const known = isWhole ? this.#removedBelow.get(reference.hash.toHex()) : undefined
    if (known !== undefined) return known
    const count = childrenOfNode(this.#old.size, this.#sectorLog2, level, index)
    let bytes = nodeStoredBytes(this.#aead, count)
    for (let child = 0; child < count; child++)
      bytes += this.#removed(level - 1, index * payloadFanOut + child)
    if (isWhole) this.#removedBelow.set(reference.hash.toHex(), bytes)
    return bytes
  }
}

/** Stored bytes of one whole reference at `level`, without holes: an estimate for quotas before a write. */
export function storedBytesOf(aead: number, sectorLog2: number, size: number): number {
  let bytes = 0
  const sector = 2 ** sectorLog2
  const full = Math.floor(size / sector)
  bytes += full * sectorStoredBytes(aead, sector)
  if (size % sector > 0) bytes += sectorStoredBytes(aead, leafLength(size, sectorLog2, full))
  for (let level = 1; level <= payloadLevels(size, sectorLog2); level++) {
    const nodes = Math.ceil(size / bytesPerReference(level, sectorLog2))
    bytes += (nodes - 1) * nodeStoredBytes(aead, payloadFanOut)
    bytes += nodeStoredBytes(aead, childrenOfNode(size, sectorLog2, level, nodes - 1))
  }
  return bytes
}
