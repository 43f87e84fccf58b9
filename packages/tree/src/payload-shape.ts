/**
 * The shape of a payload's tree follows from its size alone (B.6): leaves of one sector, inner nodes of 256
 * references, every node full but the last of its level. Readers compare with this and refuse anything else.
 */
import type { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { leafPadding, payloadFanOut, payloadLevelsMax, sectorLog2Max, sectorLog2Min } from './limits.ts'
import type { PayloadDescriptor } from './records.ts'
import { TreeError } from './tree-error.ts'

/** AEAD code of payloads in public zones: sectors are stored as they are. */
export const noAead = 0

/** The number of inner levels above the sectors; 0 when one sector, or none, holds everything. */
export function payloadLevels(size: number, sectorLog2: number): number {
  let levels = 0
  for (let capacity = 2 ** sectorLog2; capacity < size; capacity *= payloadFanOut) levels++
  return levels
}

/** Plaintext bytes below one reference at `level`; level 0 is a sector. */
export function bytesPerReference(level: number, sectorLog2: number): number {
  return 2 ** sectorLog2 * payloadFanOut ** level
}

/** Number of nodes at `level`: sectors at level 0. */
export function nodesAtLevel(size: number, sectorLog2: number, level: number): number {
  return Math.ceil(size / bytesPerReference(level, sectorLog2))
}

/** Children of node `index` at `level` (1 or more) in a payload of `size` bytes. */
export function childrenOfNode(size: number, sectorLog2: number, level: number, index: number): number {
  const below = nodesAtLevel(size, sectorLog2, level - 1)
  return Math.min(payloadFanOut, below - index * payloadFanOut)
}

/** Length of sector `index` before sealing: whole, but for the last, which is padded to a multiple of 256. */
export function leafLength(size: number, sectorLog2: number, index: number): number {
  const sector = 2 ** sectorLog2
  const remaining = size - index * sector
  return remaining >= sector ? sector : Math.ceil(remaining / leafPadding) * leafPadding
}

/** `[aead, sectorLog2, levels, stored, rootHash]` as five values; the caller writes the array. */
export function writePayloadFields(writer: CanonicalWriter, payload: PayloadDescriptor): void {
  writer.uint(payload.aead).uint(payload.sectorLog2).uint(payload.levels).uint(payload.stored)
  writer.bin(payload.rootHash)
}

export function readPayloadFields(reader: CanonicalReader): PayloadDescriptor {
  const aead = reader.uint(255)
  if (aead > 2) throw new TreeError('ERR_RECORD_UNKNOWN_FORMAT', `AEAD ${aead} is not known here`)
  const sectorLog2 = reader.uint(sectorLog2Max, sectorLog2Min)
  const levels = reader.uint(payloadLevelsMax)
  return { aead, sectorLog2, levels, stored: reader.uint(), rootHash: reader.binExact(32) }
}
