/**
 * Random access to a payload: every sector and node is found from the root, checked against its reference and the
 * shape that the size demands, and opened (B.6). A bounded number of sectors and nodes stays in memory.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import { formatId } from '@blocktree/codec'
import { payloadFanOut } from './limits.ts'
import type { PayloadState } from './payload-assembly.ts'
import {
  bytesPerReference,
  childrenOfNode,
  leafLength,
  noAead,
  nodesAtLevel,
  payloadLevels
} from './payload-shape.ts'
import { RecentPlaces } from './recent-places.ts'
import type { Id } from './records.ts'
import {
  type Reference,
  checkSectorHash,
  holeReference,
  isHole,
  openNode,
  openSector,
  sectorStoredBytes
} from './sector.ts'
import { TreeError } from './tree-error.ts'

/**
 * Bytes of a sector or node by their hash; undefined when not held.
 * @param into memory that may be used for them, as of `BlockStore.readSector`; they are a view of it then
 */
export type ReadSector = (reference: Id, into?: Uint8Array) => Uint8Array | undefined

export interface PayloadReaderOptions {
  readonly readSector: ReadSector
  /** True when `readSector` has compared the bytes with their hash, as a BlockStore does. */
  readonly isVerified: boolean
  /** Opened inner nodes kept, of up to 16 KiB each; default 64. */
  readonly nodeCount?: number
  /** Opened sectors kept for reads that come back to them; default 1. */
  readonly leafCount?: number
}

/** One sector of a payload, before it is read. */
export interface LeafReference extends Reference {
  readonly index: number
  readonly offset: number // first byte of the payload that it holds
  readonly length: number // bytes of the payload that it holds, without padding
  readonly isHole: boolean
}

export class PayloadReader {
  readonly size: number
  readonly #crypto: CryptoProvider
  readonly #state: PayloadState
  readonly #options: PayloadReaderOptions
  readonly #nodes: RecentPlaces<readonly Reference[]>
  readonly #leaves: RecentPlaces<Uint8Array>

  /** @throws ERR_PAYLOAD_SHAPE when levels and size contradict each other */
  constructor(crypto: CryptoProvider, state: PayloadState, options: PayloadReaderOptions) {
    const { payload, size } = state
    if (payloadLevels(size, payload.sectorLog2) !== payload.levels) {
      throw new TreeError(
        'ERR_PAYLOAD_SHAPE',
        `${size} bytes do not make a payload of ${payload.levels} levels`
      )
    }
    this.size = size
    this.#crypto = crypto
    this.#state = state
    this.#options = options
    this.#nodes = new RecentPlaces(options.nodeCount ?? 64)
    this.#leaves = new RecentPlaces(options.leafCount ?? 1)
  }

  /**
   * The bytes from `offset`, fewer than `length` at the end; a new buffer.
   * @throws ERR_PAYLOAD_RANGE, ERR_SECTOR_MISSING, ERR_SECTOR_HASH, ERR_SECTOR_SEALED, ERR_PAYLOAD_SHAPE
   */
  read(offset: number, length: number): Uint8Array {
    const result = new Uint8Array(this.#lengthOf(offset, length))
    for (const leaf of this.leaves(offset, offset + result.length)) {
      if (leaf.isHole) continue
      const from = Math.max(offset, leaf.offset)
      const to = Math.min(offset + result.length, leaf.offset + leaf.length)
      const plaintext = this.#plaintext(leaf)
      result.set(plaintext.subarray(from - leaf.offset, to - leaf.offset), from - offset)
    }
    return result
  }

  /** As `read`, but a view of an opened sector when the range lies in one: to be read only. */
  view(offset: number, length: number): Uint8Array {
    const end = offset + this.#lengthOf(offset, length)
    const [leaf] = end > offset ? this.leaves(offset, end) : []
    if (leaf === undefined || end > leaf.offset + leaf.length) return this.read(offset, length)
    return this.openLeaf(leaf).subarray(offset - leaf.offset, end - leaf.offset)
  }

  /**
   * The sectors that hold the bytes from `from` to before `to`, in order: for drivers that read ahead, or open
   * sectors elsewhere with `openSector`. Opens the inner nodes on the way.
   */
  *leaves(from: number, to: number): Generator<LeafReference, void, undefined> {
    const { sectorLog2 } = this.#state.payload
    const sectorBytes = 2 ** sectorLog2
    const end = Math.min(to, this.size)
    for (let index = Math.floor(from / sectorBytes); index * sectorBytes < end; index++) {
      const reference = this.reference(0, index)
      if (reference === undefined) return
      const offset = index * sectorBytes
      yield {
        hash: reference.hash,
        key: reference.key,
        index,
        offset,
        length: Math.min(sectorBytes, this.size - offset),
        isHole: isHole(reference)
      }
    }
  }

  /** Reads and opens one sector; zeros for a hole. @returns `leaf.length` bytes, to be read only */
  openLeaf(leaf: LeafReference): Uint8Array {
    return leaf.isHole ? new Uint8Array(leaf.length) : this.#plaintext(leaf).subarray(0, leaf.length)
  }

  /** The reference at a place in the tree; undefined when the payload has no such place. A hole hands down holes. */
  reference(level: number, index: number): Reference | undefined {
    const { payload, rootKey } = this.#state
    if (level > payload.levels || index >= nodesAtLevel(this.size, payload.sectorLog2, level))
      return undefined
    if (level === payload.levels) {
      return { hash: payload.rootHash, key: rootKey ?? new Uint8Array(0) }
    }
    const children = this.children(level + 1, Math.floor(index / payloadFanOut))
    return children === undefined ? holeReference(payload.aead) : children[index % payloadFanOut]
  }

  /** The opened children of an inner node; undefined when it is, or lies in, a hole. */
  children(level: number, index: number): readonly Reference[] | undefined {
    const known = this.#nodes.get(level, index)
    if (known !== undefined) return known
    const reference = this.reference(level, index)
    if (reference === undefined || isHole(reference)) return undefined
    const { aead, sectorLog2 } = this.#state.payload
    const opened = openNode(this.#crypto, aead, {
      level,
      count: childrenOfNode(this.size, sectorLog2, level, index),
      key: reference.key,
      bytes: this.#bytes(reference.hash)
    })
    this.#nodes.add(level, index, opened)
    return opened
  }

  #lengthOf(offset: number, length: number): number {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      throw new TreeError(
        'ERR_PAYLOAD_RANGE',
        `cannot read ${length} bytes at ${offset}: give whole numbers from 0`
      )
    }
    return Math.max(0, Math.min(length, this.size - offset))
  }

  #plaintext(leaf: Pick<LeafReference, 'index' | 'hash' | 'key'>): Uint8Array {
    const known = this.#leaves.get(0, leaf.index)
    if (known !== undefined) return known
    const { aead, sectorLog2 } = this.#state.payload
    const bytes = this.#bytes(leaf.hash, aead === noAead ? undefined : sealedRoom(sectorLog2))
    const expected = sectorStoredBytes(aead, leafLength(this.size, sectorLog2, leaf.index))
    if (bytes.length !== expected) {
      throw new TreeError(
        'ERR_PAYLOAD_SHAPE',
        `sector ${leaf.index} has ${bytes.length} bytes as stored instead of ${expected}`
      )
    }
    const plaintext = openSector(this.#crypto, aead, leaf.key, bytes)
    this.#leaves.add(0, leaf.index, plaintext)
    return plaintext
  }

  #bytes(hash: Id, into?: Uint8Array): Uint8Array {
    const bytes = this.#options.readSector(hash, into)
    if (bytes === undefined) {
      throw new TreeError('ERR_SECTOR_MISSING', `the sector ${formatId(hash)} is not held here`)
    }
    if (!this.#options.isVerified) checkSectorHash(this.#crypto, hash, bytes)
    return bytes
  }
}

const sealedBytesKept = 256 * 1024 // sectors of up to 128 KiB, the usual ones
let sealedBytes: Uint8Array | undefined

/** Where a sector may be read to that is opened at once: it is used again for the next, whichever reader asks. */
function sealedRoom(sectorLog2: number): Uint8Array | undefined {
  if (2 ** sectorLog2 >= sealedBytesKept) return undefined
  sealedBytes ??= new Uint8Array(sealedBytesKept)
  return sealedBytes
}

/** Bytes of the payload that a place in its tree covers: `[from, to)`. */
export function coveredRange(
  size: number,
  sectorLog2: number,
  level: number,
  index: number
): [number, number] {
  const width = bytesPerReference(level, sectorLog2)
  return [Math.min(size, index * width), Math.min(size, (index + 1) * width)]
}
