/**
 * Writing a payload from start to end in constant memory: chunks of any size in, sealed sectors and nodes out
 * through a callback, the descriptor for the header at the end (B.6).
 */
import { type EmitSector, PayloadAssembly, type PayloadState, padLeaf } from './payload-assembly.ts'
import { sectorLog2Max, sectorLog2Min } from './limits.ts'
import { holeReference, type SealContext, sealSector } from './sector.ts'
import { TreeError } from './tree-error.ts'

export interface PayloadWriterOptions {
  readonly sectorLog2: number
  readonly emit: EmitSector
}

export class PayloadWriter {
  readonly #context: SealContext
  readonly #assembly: PayloadAssembly
  readonly #sectorBytes: number
  /** The sector that is being filled. Allocated when a chunk ends inside a sector. */
  #partial: Uint8Array | undefined
  #partialLength = 0
  #size = 0
  #index = 0
  #isClosed = false

  /** @throws ERR_PAYLOAD_RANGE for a sector size outside 2^12 to 2^20 */
  constructor(context: SealContext, options: PayloadWriterOptions) {
    const { sectorLog2 } = options
    if (!Number.isInteger(sectorLog2) || sectorLog2 < sectorLog2Min || sectorLog2 > sectorLog2Max) {
      throw new TreeError(
        'ERR_PAYLOAD_RANGE',
        `sectorLog2 ${sectorLog2} is not from ${sectorLog2Min} to ${sectorLog2Max}`
      )
    }
    this.#context = context
    this.#assembly = new PayloadAssembly(context, options)
    this.#sectorBytes = 2 ** sectorLog2
  }

  /** Bytes pushed so far. */
  get size(): number {
    return this.#size
  }

  /** Whole sectors are sealed straight from `chunk`, which the caller may use again afterwards. */
  push(chunk: Uint8Array): void {
    this.#checkOpen()
    let offset = 0
    if (this.#partialLength > 0) offset = this.#fill(chunk)
    while (chunk.length - offset >= this.#sectorBytes) {
      this.#seal(chunk.subarray(offset, offset + this.#sectorBytes))
      offset += this.#sectorBytes
    }
    if (offset < chunk.length) this.#fill(chunk.subarray(offset))
    this.#size += chunk.length
  }

  /** Appends `length` zero bytes; sectors that they cover whole become holes, which take no space. */
  pushHole(length: number): void {
    this.#checkOpen()
    let rest = length
    if (this.#partialLength > 0) {
      const zeros = new Uint8Array(Math.min(rest, this.#sectorBytes - this.#partialLength))
      this.push(zeros)
      rest -= zeros.length
    }
    for (; rest >= this.#sectorBytes; rest -= this.#sectorBytes) {
      this.#assembly.appendReference(0, holeReference(this.#context.aead), 0)
      this.#index++
      this.#size += this.#sectorBytes
    }
    if (rest > 0) this.push(new Uint8Array(rest))
  }

  /** Seals what is left and the levels above. The writer cannot be used afterwards. */
  finish(): PayloadState {
    this.#checkOpen()
    this.#isClosed = true
    if (this.#partialLength > 0 && this.#partial !== undefined) {
      this.#seal(padLeaf(this.#partial.subarray(0, this.#partialLength)))
    }
    return this.#assembly.finish(this.#size)
  }

  /** Copies into the sector being filled, seals it when full. @returns bytes taken */
  #fill(chunk: Uint8Array): number {
    this.#partial ??= new Uint8Array(this.#sectorBytes)
    const taken = Math.min(chunk.length, this.#sectorBytes - this.#partialLength)
    this.#partial.set(chunk.subarray(0, taken), this.#partialLength)
    this.#partialLength += taken
    if (this.#partialLength === this.#sectorBytes) {
      this.#seal(this.#partial)
      this.#partialLength = 0
    }
    return taken
  }

  #seal(plaintext: Uint8Array): void {
    this.#assembly.append(0, sealSector(this.#context, this.#index, plaintext))
    this.#index++
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new TreeError('ERR_PAYLOAD_CLOSED', 'this payload writer was finished before')
  }
}
