/**
 * Reading a segment from one end to the other: frames, gathered into batches, and what is damaged between them.
 * Behind a damaged place the scan goes on at the next frame whose checksums hold. Whether damage is a torn tail
 * or a loss is for the caller to say (./recovery.ts), by the marks that later groups carry.
 */
import type { StoreFile } from './file-system.ts'
import {
  asBuffer,
  decodeFrameHeader,
  frameFlag,
  frameHeaderBytes,
  frameMagic,
  frameType,
  payloadChecksumOf
} from './frame.ts'
import type { FrameHeader, FrameType } from './frame.ts'
import { framePayloadBytesMax, scanWindowBytes } from './limits.ts'
import type { Position } from './location.ts'
import { segmentHeaderBytes } from './segment-files.ts'

export interface ScannedFrame {
  readonly offset: number
  readonly type: FrameType
  readonly flags: number
  readonly subtype: number
  readonly part: number
  readonly length: number
  /** Copies, owned by the receiver. */
  readonly reference: Uint8Array
  /** undefined when the scan was told not to keep payloads of this type */
  readonly payload: Uint8Array | undefined
}

export type Scanned =
  | {
      readonly kind: 'batch'
      readonly offset: number
      readonly end: number
      readonly frames: readonly ScannedFrame[]
      /** False when frames before or after these are damaged: these can be kept, the batch is not complete. */
      readonly whole: boolean
    }
  | { readonly kind: 'group'; readonly offset: number; readonly end: number; readonly durable: Position }
  | { readonly kind: 'damage'; readonly offset: number; readonly problem: string }

export interface ScanOptions {
  readonly salt: number
  /** Byte to begin with; a group or batch begins there. */
  readonly from?: number
  /** Byte to stop before; the end of the file when absent. */
  readonly to?: number
  /** Which payloads the caller wants; all are verified in any case. */
  readonly keep?: (type: FrameType) => boolean
  /** Called with every intact sector, payload as a view that is valid during the call. */
  readonly onSector?: (reference: Uint8Array, payload: Uint8Array, offset: number) => void
}

/** Yields batches in order, and damage where it begins; intact frames of a damaged batch come as `whole: false`. */
export async function* scanSegment(file: StoreFile, options: ScanOptions): AsyncGenerator<Scanned> {
  const end = Math.min(options.to ?? Number.MAX_SAFE_INTEGER, file.size())
  const window = new Window(file, end)
  const gathering = new Gathering()
  let offset = options.from ?? segmentHeaderBytes
  while (offset < end) {
    const found = await readFrameAt(window, offset, options.salt)
    if (typeof found === 'string') {
      yield* gathering.cutOff(offset)
      yield { kind: 'damage', offset, problem: found }
      const next = await findFrame(window, offset + 1, end, options.salt)
      if (next === undefined) return
      offset = next
      continue
    }
    const { header, payload } = found
    const next = offset + frameHeaderBytes + header.length
    if (isMark(header.type)) {
      yield* gathering.cutOff(offset)
      const durable = { segment: payload.readUInt32BE(0), offset: payload.readUInt32BE(4) }
      yield { kind: 'group', offset, end: next, durable }
    } else {
      if (header.type === frameType.sector) options.onSector?.(header.reference, payload, offset)
      yield* gathering.add(toScanned(offset, header, payload, options.keep))
    }
    offset = next
  }
  yield* gathering.cutOff(offset)
}

/** The frames of the batch that is being read. */
class Gathering {
  #frames: ScannedFrame[] = []
  #whole = true;

  *add(frame: ScannedFrame): Generator<Scanned> {
    const first = (frame.flags & frameFlag.first) !== 0
    if (first) yield* this.cutOff(frame.offset)
    else if (this.#frames.length === 0) this.#whole = false
    this.#frames.push(frame)
    if ((frame.flags & frameFlag.last) !== 0)
      yield* this.#emit(frame.offset + frameHeaderBytes + frame.length)
  }

  /** What was gathered has no end: a frame was damaged, or another batch begins. */
  *cutOff(end: number): Generator<Scanned> {
    if (this.#frames.length === 0) return
    const offset = this.#frames[0]?.offset ?? end
    this.#whole = false
    yield* this.#emit(end)
    yield { kind: 'damage', offset, problem: 'a batch has no end' }
  }

  *#emit(end: number): Generator<Scanned> {
    yield {
      kind: 'batch',
      offset: this.#frames[0]?.offset ?? end,
      end,
      frames: this.#frames,
      whole: this.#whole
    }
    this.#frames = []
    this.#whole = true
  }
}

/** True when a later intact group says that everything up to a place behind `place` was durable. */
export async function isClaimedDurable(file: StoreFile, place: Position, salt: number): Promise<boolean> {
  for await (const item of scanSegment(file, { salt, from: place.offset, keep: () => false })) {
    if (item.kind !== 'group') continue
    const { durable } = item
    if (durable.segment > place.segment) return true
    if (durable.segment === place.segment && durable.offset > place.offset) return true
  }
  return false
}

function toScanned(
  offset: number,
  header: FrameHeader,
  payload: Uint8Array,
  keep: ScanOptions['keep']
): ScannedFrame {
  return {
    offset,
    type: header.type,
    flags: header.flags,
    subtype: header.subtype,
    part: header.part,
    length: header.length,
    reference: new Uint8Array(header.reference),
    payload: keep === undefined || keep(header.type) ? new Uint8Array(payload) : undefined
  }
}

/** An intact frame, or what is wrong. Views, valid until the window moves. */
async function readFrameAt(
  window: Window,
  offset: number,
  salt: number
): Promise<{ readonly header: FrameHeader; readonly payload: Buffer } | string> {
  const start = await window.view(offset, frameHeaderBytes)
  if (start === undefined) return 'a frame is cut off'
  const header = decodeFrameHeader(start, 0, salt)
  if (header === undefined) return 'the header of a frame is damaged'
  if (header.length > framePayloadBytesMax) return 'a frame has an impossible length'
  const whole = await window.view(offset, frameHeaderBytes + header.length)
  if (whole === undefined) return 'a frame is cut off'
  const payload = whole.subarray(frameHeaderBytes)
  if (payloadChecksumOf([payload], salt) !== header.payloadChecksum)
    return 'the payload of a frame is damaged'
  if (isMark(header.type) && payload.length < 8) return 'a group mark is too short'
  return { header: decodeFrameHeader(whole, 0, salt) ?? header, payload }
}

function isMark(type: FrameType): boolean {
  return type === frameType.group || type === frameType.close
}

/** The next offset from `from` on at which an intact frame begins. */
async function findFrame(
  window: Window,
  from: number,
  end: number,
  salt: number
): Promise<number | undefined> {
  let offset = from
  while (offset + frameHeaderBytes <= end) {
    const view = await window.view(offset, Math.min(scanWindowBytes / 2, end - offset))
    if (view === undefined) return undefined
    const at = view.indexOf(frameMagic)
    if (at < 0) {
      offset += view.length - (frameMagic.length - 1)
      if (view.length < frameMagic.length) return undefined
      continue
    }
    const found = await readFrameAt(window, offset + at, salt)
    if (typeof found !== 'string') return offset + at
    offset += at + 1
  }
  return undefined
}

/** A part of the file in memory that follows the scan. */
class Window {
  readonly #file: StoreFile
  readonly #end: number
  #buffer: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(file: StoreFile, end: number) {
    this.#file = file
    this.#end = end
  }

  /** `length` bytes at `offset`; undefined when the file ends before. Valid until the next call. */
  async view(offset: number, length: number): Promise<Buffer | undefined> {
    if (offset + length > this.#end) return undefined
    if (offset < this.#start || offset + length > this.#start + this.#buffer.length) {
      const bytes = new Uint8Array(Math.min(Math.max(length, scanWindowBytes), this.#end - offset))
      const count = await this.#file.read(bytes, offset)
      this.#buffer = asBuffer(bytes).subarray(0, count)
      this.#start = offset
      if (count < length) return undefined
    }
    return this.#buffer.subarray(offset - this.#start, offset - this.#start + length)
  }
}
