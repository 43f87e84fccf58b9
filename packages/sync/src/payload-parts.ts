/** The stored parts of a payload, as far as they are held: what is missing, and whether a reference belongs to it. */
import {
  type AnyRecord,
  type BlockStore,
  type Id,
  type PayloadDescriptor,
  listReferences,
  recordType
} from '@blocktree/tree'

const partsMax = 1 << 20 // parts of one payload that are looked at in one go
const tagBytesMax = 64
const nodeBytesMax: number = 17 * 1024 // 256 children of 64 bytes, and a tag

/** What a record says about bytes that are stored apart from it; undefined when there are none. */
export function payloadOf(record: AnyRecord | undefined): PayloadDescriptor | undefined {
  if (record?.type === recordType.header) return record.body.payload
  return record?.type === recordType.checkpoint && record.body.manifest.size > 0
    ? record.body.manifest
    : undefined
}

/** Held parts in order, and those that are missing; parts below a missing node are not known yet. */
export function missingParts(
  store: BlockStore,
  payload: PayloadDescriptor,
  countMax: number = partsMax
): readonly Id[] {
  const missing: Id[] = []
  const read = (id: Id): Uint8Array | undefined => readHeld(store, id)
  for (const part of listReferences(payload, read, { onMissing: () => undefined })) {
    if (!store.hasSector(part.hash)) missing.push(part.hash)
    if (missing.length >= countMax) break
  }
  return missing
}

/** A node that is there but damaged counts as missing: it is fetched again. */
function readHeld(store: BlockStore, id: Id): Uint8Array | undefined {
  try {
    return store.readSector(id)
  } catch {
    return undefined
  }
}

/** All parts that can be listed from what is held. */
export function partsOf(store: BlockStore, payload: PayloadDescriptor): readonly Id[] {
  const read = (id: Id): Uint8Array | undefined => readHeld(store, id)
  const parts: Id[] = []
  for (const { hash } of listReferences(payload, read, { onMissing: () => undefined })) {
    parts.push(hash)
    if (parts.length >= partsMax) break
  }
  return parts
}

/** Bytes that a held payload takes: what its header claims, as far as its parts allow. A writer may claim anything. */
export function bytesOf(store: BlockStore, payload: PayloadDescriptor): number {
  const read = (id: Id): Uint8Array | undefined => readHeld(store, id)
  let leaves = 0
  let nodes = 0
  for (const { level } of listReferences(payload, read, { onMissing: () => undefined })) {
    if (level === 0) leaves++
    else nodes++
    if (leaves + nodes >= partsMax) break
  }
  const sectorBytes = 2 ** payload.sectorLog2
  const least = Math.max(0, leaves - 1) * sectorBytes // the last one alone may be short
  const most = leaves * (sectorBytes + tagBytesMax) + nodes * nodeBytesMax
  return Math.min(Math.max(payload.stored, least), most)
}

/** Bytes that the held sectors of a payload take, of which some may be missing; a little more for the last one. */
export function heldBytesOf(store: BlockStore, payload: PayloadDescriptor): number {
  const read = (id: Id): Uint8Array | undefined => readHeld(store, id)
  let sectors = 0
  let looked = 0
  for (const { hash, level } of listReferences(payload, read, { onMissing: () => undefined })) {
    if (level === 0 && store.hasSector(hash)) sectors++
    if (++looked >= partsMax) break
  }
  return sectors * 2 ** payload.sectorLog2
}

/** True when every part is held, or the one sector travels beside the record. */
export function isPayloadHeld(store: BlockStore, id: Id, payload: PayloadDescriptor | undefined): boolean {
  if (payload === undefined) return true
  if (payload.levels === 0 && store.readRecord(id)?.inline !== undefined) return true
  return missingParts(store, payload, 1).length === 0
}
