/**
 * Frames made ahead, usually in a worker: checksums and layout cost the main thread nothing, which then writes the
 * whole buffer at once (`DiskStore.appendPrepared`). One buffer is one batch.
 */
import type { Id } from '@blocktree/tree'
import {
  asBuffer,
  encodeFrameHeader,
  frameFlag,
  frameHeaderBytes,
  frameType,
  payloadChecksumOf
} from './frame.ts'
import type { FrameFields } from './frame.ts'
import { framePayloadBytesMax } from './limits.ts'
import type { PreparedEntry, PreparedFrames } from './pending-batch.ts'
import { StoreError } from './store-error.ts'

export interface FrameBuilder {
  /** Bytes that are still free. */
  readonly free: number
  /** Copies the sector in; false when it does not fit. */
  addSector(reference: Id, bytes: Uint8Array): boolean
  /** Copies the record and its inline sector in; false when it does not fit. */
  addRecord(record: { id: Id; type: number; bytes: Uint8Array; inline: Uint8Array | undefined }): boolean
  /**
   * Room for a sector that the caller fills itself (sealing into place, without a copy); undefined when it does
   * not fit. `place` must be called with the reference before anything else is added.
   */
  reserveSector(length: number): { readonly bytes: Uint8Array; place(reference: Id): void } | undefined
  /** Ends the batch. The buffer may then be transferred; the builder is not to be used again. */
  finish(): PreparedFrames
}

/**
 * @param salt `DiskStore.frameSalt` of the store that takes the frames
 * @param buffer written from its beginning; a frame needs 56 bytes besides its payload
 */
export function createFrameBuilder(salt: number, buffer: ArrayBuffer | SharedArrayBuffer): FrameBuilder {
  const target = asBuffer(new Uint8Array(buffer))
  const entries: PreparedEntry[] = []
  let used = 0
  let last: { readonly offset: number; readonly fields: FrameFields; readonly checksum: number } | undefined

  const fits = (length: number): boolean => {
    if (length > framePayloadBytesMax) {
      throw new StoreError(
        'ERR_STORE_LIMIT',
        `a frame of ${length} bytes; at most ${framePayloadBytesMax} fit`
      )
    }
    return used + frameHeaderBytes + length <= target.length
  }
  const close = (fields: FrameFields & { readonly reference: Uint8Array }, inline: boolean): void => {
    const payload = target.subarray(used + frameHeaderBytes, used + frameHeaderBytes + fields.length)
    const checksum = payloadChecksumOf([payload], salt)
    const flags = fields.flags | (entries.length === 0 ? frameFlag.first : 0)
    last = { offset: used, fields: { ...fields, flags }, checksum }
    encodeFrameHeader(target, used, last.fields, checksum, salt)
    const type = fields.type === frameType.sector ? 'sector' : 'record'
    const reference = new Uint8Array(fields.reference)
    entries.push({ type, reference, offset: used, length: fields.length, ...(inline ? { inline } : {}) })
    used += frameHeaderBytes + fields.length
  }
  return {
    get free() {
      return target.length - used
    },
    addSector(reference, bytes) {
      if (!fits(bytes.length)) return false
      target.set(bytes, used + frameHeaderBytes)
      close({ type: frameType.sector, flags: 0, length: bytes.length, reference }, false)
      return true
    },
    addRecord({ id, type, bytes, inline }) {
      const length = bytes.length + (inline?.length ?? 0)
      if (!fits(length)) return false
      target.set(bytes, used + frameHeaderBytes)
      if (inline !== undefined) target.set(inline, used + frameHeaderBytes + bytes.length)
      const flags = inline === undefined ? 0 : frameFlag.inline
      const fields = {
        type: frameType.record,
        flags,
        subtype: type,
        length,
        part: bytes.length,
        reference: id
      }
      close(fields, inline !== undefined)
      return true
    },
    reserveSector(length) {
      if (!fits(length)) return undefined
      const start = used + frameHeaderBytes
      return {
        bytes: new Uint8Array(buffer, start, length),
        place: (reference) => close({ type: frameType.sector, flags: 0, length, reference }, false)
      }
    },
    finish() {
      if (last !== undefined) {
        const fields = { ...last.fields, flags: last.fields.flags | frameFlag.last }
        encodeFrameHeader(asBuffer(target), last.offset, fields, last.checksum, salt)
      }
      return { bytes: new Uint8Array(buffer, 0, used), entries }
    }
  }
}
