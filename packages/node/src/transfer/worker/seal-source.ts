/**
 * Reads a source file and seals it sector by sector into frames. A sector that is all zero becomes a hole: it costs a
 * comparison instead of encryption, and no room.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import {
  type Reference,
  type SealContext,
  type SealedSector,
  holeReference,
  isHole,
  sealNode,
  sealSector,
  sectorStoredBytes
} from '@blocktree/tree'
import { readBufferBytes, sectorLog2 } from '../limits.ts'
import type { TransferProblemCode } from '../transfer-problem.ts'
import type { FrameOutput } from './frame-output.ts'

const sectorBytes = 2 ** sectorLog2
const padding = 256
const zeros = Buffer.alloc(sectorBytes)
const modeBits = 0o7777

export interface SourceState {
  readonly size: number
  readonly modifiedMs: number
  readonly mode: number
}

/** Why a file is not taken. */
export class SourceRefusal extends Error {
  override readonly name = 'SourceRefusal'
  readonly code: TransferProblemCode
  constructor(code: TransferProblemCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Opens a regular file; what is no regular file any more is refused, and never waited for. */
export function openSource(
  path: string,
  followLinks: boolean
): { readonly fd: number; readonly state: SourceState } {
  const noFollow = followLinks ? 0 : constants.O_NOFOLLOW
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow)
  try {
    return { fd, state: sourceState(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

export function sourceState(fd: number): SourceState {
  const status = fstatSync(fd)
  if (!status.isFile()) throw new SourceRefusal('ERR_ENTRY_CHANGED', 'it is no regular file any more')
  return { size: status.size, modifiedMs: wholeMs(status.mtimeMs), mode: status.mode & modeBits }
}

/** Milliseconds as the tree keeps them: whole, and none before 1970. */
export function wholeMs(ms: number): number {
  return Math.max(0, Math.floor(ms))
}

/** Fills `target` from `position`; fewer bytes only at the end of the file. */
export function readFully(fd: number, target: Uint8Array, position: number): number {
  let filled = 0
  while (filled < target.length) {
    const count = readSync(fd, target, filled, target.length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return filled
}

/** A buffer for plaintext, reused by one task after another. */
export class SourceReader {
  readonly buffer: Uint8Array = new Uint8Array(readBufferBytes)

  /**
   * Seals the sectors from `firstLeaf`, `length` bytes in all.
   * @throws SourceRefusal when the file ends early
   */
  async sealRun(
    fd: number,
    run: { readonly firstLeaf: number; readonly length: number },
    context: SealContext,
    output: FrameOutput
  ): Promise<{ readonly references: readonly Reference[]; readonly stored: number }> {
    const references: Reference[] = []
    let stored = 0
    const start = run.firstLeaf * sectorBytes
    for (let done = 0; done < run.length;) {
      const wanted = Math.min(run.length - done, this.buffer.length)
      const chunk = this.buffer.subarray(0, wanted)
      if (readFully(fd, chunk, start + done) < wanted)
        throw new SourceRefusal('ERR_ENTRY_CHANGED', 'it became shorter')
      for (let offset = 0; offset < wanted; offset += sectorBytes) {
        const plaintext = padded(this.buffer, offset, Math.min(sectorBytes, wanted - offset))
        const index = run.firstLeaf + references.length
        if (isZero(plaintext)) {
          references.push(holeReference(context.aead))
          continue
        }
        const length = sectorStoredBytes(context.aead, plaintext.length)
        const slot = output.reserve(length) ?? (await output.reserveOrWait(length))
        const sealed = sealSector(context, index, plaintext, slot.bytes)
        slot.place(sealed.hash)
        references.push({ hash: sealed.hash, key: sealed.key })
        stored += length
      }
      done += wanted
    }
    return { references, stored }
  }
}

/** `length` bytes from `offset` with zeros up to a multiple of 256; in place. */
export function padded(buffer: Uint8Array, offset: number, length: number): Uint8Array {
  const end = offset + Math.ceil(length / padding) * padding
  if (offset + length < end) buffer.fill(0, offset + length, end)
  return buffer.subarray(offset, end)
}

export function isZero(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0) return false
  return zeros.compare(bytes, 0, bytes.length, 0, bytes.length) === 0
}

/** One node of level 1 over the sectors of a unit, or a hole when they all are. */
export function sealUnitNode(
  context: SealContext,
  index: number,
  references: readonly Reference[]
): SealedSector | undefined {
  return references.every(isHole) ? undefined : sealNode(context, 1, index, references)
}
