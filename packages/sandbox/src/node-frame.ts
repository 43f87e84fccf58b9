/**
 * Frames from the node to a sandbox process (doc/spec/19-sandbox-frames.md, section 3): what the node writes and what
 * the child program reads. Bodies without their length prefix; `[type, id, op, body]` in the canonical subset.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { type EngineName, engineNames, frameType } from './frame-type.ts'
import {
  childTextBytesMax,
  frameVersion,
  guestFuelMax,
  loadChunkBytesMax,
  maximumRunLimits
} from './limits.ts'
import { SandboxError } from './sandbox-error.ts'

export type NodeFrame =
  | HelloToChild
  | { readonly type: 'load'; readonly sequence: number; readonly isLast: boolean; readonly bytes: Uint8Array }
  | {
      readonly type: 'invoke'
      readonly id: number
      readonly kind: number
      readonly payload: Uint8Array
      readonly fuel: number
    }
  | { readonly type: 'hostReply'; readonly id: number; readonly status: number; readonly payload: Uint8Array }

/** The first frame: how to run the module that follows. */
export interface HelloToChild {
  readonly type: 'hello'
  readonly engine: EngineName
  readonly memoryPages: number
  readonly tableElements: number
  readonly payloadBytes: number
  readonly logBytesPerSecond: number
  /** For instantiation and `_initialize`. */
  readonly fuel: number
  /** Path of the engine's library as the child sees it. */
  readonly library: string | undefined
}

const payloadBytesMax = maximumRunLimits.payloadBytes
const numberMax = 0x7fff_ffff // ids, kinds and statuses fit in an i32 of the guest
const pathBytesMax = 4096

export function encodeNodeFrame(frame: NodeFrame): Uint8Array {
  switch (frame.type) {
    case 'hello':
      return encodeHello(frame)
    case 'load':
      return head(frameType.load, frame.sequence, frame.isLast ? 1 : 0, frame.bytes.length)
        .bin(frame.bytes)
        .finish()
    case 'invoke':
      return head(frameType.invoke, frame.id, frame.kind, frame.payload.length)
        .array(2)
        .bin(frame.payload)
        .uint(frame.fuel)
        .finish()
    case 'hostReply':
      return head(frameType.hostReply, frame.id, frame.status, frame.payload.length)
        .bin(frame.payload)
        .finish()
    default:
      return frame satisfies never
  }
}

/** Byte strings are views of `bytes`. Throws CodecError or SandboxError. */
export function decodeNodeFrame(bytes: Uint8Array): NodeFrame {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(4)
  const type = reader.uint(numberMax)
  const id = reader.uint(numberMax)
  const op = reader.uint(numberMax)
  const frame = decodeBody(reader, type, id, op)
  reader.end()
  return frame
}

function encodeHello(frame: HelloToChild): Uint8Array {
  const writer = head(frameType.hello, frameVersion, engineNames.indexOf(frame.engine), 0)
    .array(6)
    .uint(frame.memoryPages)
    .uint(frame.tableElements)
    .uint(frame.payloadBytes)
    .uint(frame.logBytesPerSecond)
    .uint(frame.fuel)
  return writer.optional(frame.library, (library) => writer.str(library)).finish()
}

function decodeBody(reader: CanonicalReader, type: number, id: number, op: number): NodeFrame {
  switch (type) {
    case frameType.hello:
      return decodeHello(reader, id, op)
    case frameType.load:
      return { type: 'load', sequence: id, isLast: op === 1, bytes: reader.bin(loadChunkBytesMax) }
    case frameType.invoke: {
      reader.arrayOf(2)
      return {
        type: 'invoke',
        id,
        kind: op,
        payload: reader.bin(payloadBytesMax),
        fuel: reader.uint(guestFuelMax)
      }
    }
    case frameType.hostReply:
      return { type: 'hostReply', id, status: op, payload: reader.bin(payloadBytesMax) }
    default:
      throw new SandboxError('ERR_SANDBOX_FRAME', `a node sends no frame of type ${type}`)
  }
}

function decodeHello(reader: CanonicalReader, version: number, engineNumber: number): HelloToChild {
  if (version !== frameVersion) {
    throw new SandboxError(
      'ERR_SANDBOX_FRAME',
      `frames of version ${version}; this program has ${frameVersion}`
    )
  }
  const engine = engineNames[engineNumber]
  if (engine === undefined)
    throw new SandboxError('ERR_SANDBOX_FRAME', `no engine has number ${engineNumber}`)
  reader.arrayOf(6)
  return {
    type: 'hello',
    engine,
    memoryPages: reader.uint(65_536),
    tableElements: reader.uint(numberMax),
    payloadBytes: reader.uint(payloadBytesMax),
    logBytesPerSecond: reader.uint(numberMax),
    fuel: reader.uint(guestFuelMax),
    library: reader.optional(() => reader.str(pathBytesMax))
  }
}

/** Type, id and op; room for the body. */
function head(type: number, id: number, op: number, bodyBytes: number): CanonicalWriter {
  return new CanonicalWriter(bodyBytes + childTextBytesMax).array(4).uint(type).uint(id).uint(op)
}
