/**
 * Putting a payload together from sealed sectors (B.6). The work comes in units that can be spread over workers:
 * `sealLeaves` seals a run of sectors, `sealNode` makes one node of 256 of them, and the levels above are built here
 * from references given in order.
 */
import {
  isHole,
  holeReference,
  type Reference,
  type SealContext,
  type SealedSector,
  sealNode,
  sectorStoredBytes,
  sealSector
} from './sector.ts'
import { leafPadding, payloadFanOut } from './limits.ts'
import { payloadLevels } from './payload-shape.ts'
import type { PayloadDescriptor } from './records.ts'
import type { StoredSector } from './ports.ts'
import { TreeError } from './tree-error.ts'

/** A payload as its header describes it: public descriptor, exact size, key of the root. */
export interface PayloadState {
  readonly payload: PayloadDescriptor
  readonly size: number
  readonly rootKey: Uint8Array | undefined // undefined in public zones
}

/** Takes what is to be stored, in an order in which children come before their node. */
export type EmitSector = (sector: StoredSector) => void

/**
 * Seals consecutive sectors.
 * @param bytes whole sectors; only at the end of the payload may the last be shorter (it is padded here)
 * @param run `firstIndex` is the number of the first sector in the payload; `target`, when given, takes the sealed
 * sectors one after another (`sectorStoredBytes` each) and is viewed by the result
 */
export function sealLeaves(
  context: SealContext,
  run: { readonly sectorLog2: number; readonly firstIndex: number; readonly target?: Uint8Array },
  bytes: Uint8Array
): readonly SealedSector[] {
  const sectorBytes = 2 ** run.sectorLog2
  const sealed: SealedSector[] = []
  let filled = 0
  for (let offset = 0; offset < bytes.length; offset += sectorBytes) {
    const leaf = padLeaf(bytes.subarray(offset, offset + sectorBytes))
    const end = filled + sectorStoredBytes(context.aead, leaf.length)
    sealed.push(sealSector(context, run.firstIndex + sealed.length, leaf, run.target?.subarray(filled, end)))
    filled = end
  }
  return sealed
}

/** The bytes themselves, or a copy with zeros up to a multiple of 256. */
export function padLeaf(bytes: Uint8Array): Uint8Array {
  if (bytes.length % leafPadding === 0) return bytes
  const padded = new Uint8Array(Math.ceil(bytes.length / leafPadding) * leafPadding)
  padded.set(bytes)
  return padded
}

/** Inner levels of a payload, built while the references of one level arrive in order; constant memory. */
export class PayloadAssembly {
  readonly #context: SealContext
  readonly #sectorLog2: number
  readonly #emit: EmitSector
  /** References that wait for their node, by level. */
  readonly #pending: Reference[][] = []
  /** References appended so far, by level. */
  readonly #counts: number[] = []
  #stored = 0

  constructor(context: SealContext, options: { readonly sectorLog2: number; readonly emit: EmitSector }) {
    this.#context = context
    this.#sectorLog2 = options.sectorLog2
    this.#emit = options.emit
  }

  /** Emits a sector or node and appends its reference at `level`. */
  append(level: number, sealed: SealedSector): void {
    this.#emit({ reference: sealed.hash, bytes: sealed.bytes })
    this.appendReference(level, sealed, sealed.bytes.length)
  }

  /**
   * Appends the reference of something that was stored elsewhere, or a hole.
   * @param stored its bytes as stored, with everything below it; 0 for a hole
   */
  appendReference(level: number, reference: Reference, stored: number): void {
    this.#stored += stored
    this.#counts[level] = (this.#counts[level] ?? 0) + 1
    const pending = (this.#pending[level] ??= [])
    pending.push({ hash: reference.hash, key: reference.key })
    if (pending.length === payloadFanOut) this.#closeNode(level)
  }

  /** Closes all levels. @throws ERR_PAYLOAD_SHAPE when the references do not make a payload of `size` bytes */
  finish(size: number): PayloadState {
    const levels = payloadLevels(size, this.#sectorLog2)
    for (let level = 0; level < levels; level++) {
      if ((this.#pending[level]?.length ?? 0) > 0) this.#closeNode(level)
    }
    const root = size === 0 ? holeReference(this.#context.aead) : this.#pending[levels]?.[0]
    if (root === undefined || this.#pending.some((left, level) => left.length > (level === levels ? 1 : 0))) {
      throw new TreeError('ERR_PAYLOAD_SHAPE', `the sectors given do not make a payload of ${size} bytes`)
    }
    return payloadState(this.#context.aead, this.#sectorLog2, size, { ...root, stored: this.#stored })
  }

  #closeNode(level: number): void {
    const children = this.#pending[level] ?? []
    this.#pending[level] = []
    const index = this.#counts[level + 1] ?? 0
    if (children.every(isHole)) this.appendReference(level + 1, holeReference(this.#context.aead), 0)
    else this.append(level + 1, sealNode(this.#context, level + 1, index, children))
  }
}

/** Descriptor, size and key of a payload with this root. */
export function payloadState(
  aead: number,
  sectorLog2: number,
  size: number,
  root: Reference & { readonly stored: number }
): PayloadState {
  return {
    payload: {
      aead,
      sectorLog2,
      levels: payloadLevels(size, sectorLog2),
      stored: root.stored,
      rootHash: root.hash
    },
    size,
    rootKey: aead === 0 ? undefined : root.key
  }
}
