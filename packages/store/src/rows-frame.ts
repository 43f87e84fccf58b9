/**
 * Derived rows in the log: only of batches without records, from which nothing could make them again after a loss
 * of power. Each row is a byte (1 removed), u16 key length, u32 value length, key, value.
 */
import type { IndexRow } from '@blocktree/tree'
import { asBuffer, frameType } from './frame.ts'
import { framePayloadBytesMax } from './limits.ts'
import type { LogFrame } from './pending-batch.ts'

const rowHeaderBytes = 7
const noReference = new Uint8Array(32)

/** As many frames as the rows need; none for no rows. */
export function rowsFrames(rows: readonly IndexRow[]): readonly LogFrame[] {
  const frames: LogFrame[] = []
  let parts: Uint8Array[] = []
  let length = 0
  const close = (): void => {
    if (length > 0) frames.push(frameOf(Buffer.concat(parts)))
    parts = []
    length = 0
  }
  for (const row of rows) {
    const bytes = encodeRow(row)
    if (length + bytes.length > framePayloadBytesMax) close()
    parts.push(bytes)
    length += bytes.length
  }
  close()
  return frames
}

/** The rows of a payload whose checksum was verified. */
export function decodeRows(payload: Uint8Array): readonly IndexRow[] {
  const source = asBuffer(payload)
  const rows: IndexRow[] = []
  for (let offset = 0; offset + rowHeaderBytes <= source.length;) {
    const removed = source[offset] === 1
    const keyEnd = offset + rowHeaderBytes + source.readUInt16BE(offset + 1)
    const end = keyEnd + source.readUInt32BE(offset + 3)
    const key = payload.subarray(offset + rowHeaderBytes, keyEnd)
    rows.push({ key, value: removed ? undefined : payload.subarray(keyEnd, end) })
    offset = end
  }
  return rows
}

function encodeRow(row: IndexRow): Uint8Array {
  const bytes = Buffer.alloc(rowHeaderBytes + row.key.length + (row.value?.length ?? 0))
  bytes[0] = row.value === undefined ? 1 : 0
  bytes.writeUInt16BE(row.key.length, 1)
  bytes.writeUInt32BE(row.value?.length ?? 0, 3)
  bytes.set(row.key, rowHeaderBytes)
  if (row.value !== undefined) bytes.set(row.value, rowHeaderBytes + row.key.length)
  return bytes
}

function frameOf(payload: Uint8Array): LogFrame {
  return {
    type: frameType.rows,
    flags: 0,
    length: payload.length,
    reference: noReference,
    payload: [payload]
  }
}
