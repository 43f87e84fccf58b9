/**
 * Frames from a sandbox process to the node (doc/spec/19-sandbox-frames.md, section 4): what the child program writes
 * and what the node reads. The node takes the child for hostile: every length is checked before it is believed, and
 * nothing but the canonical spelling passes.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { type EngineName, engineNames, type FaultName, faultNames, frameType } from './frame-type.ts'
import { childTextBytesMax, frameVersion, guestFuelMax, logFrameBytesMax } from './limits.ts'
import { SandboxError } from './sandbox-error.ts'

export type ChildFrame =
  | { readonly type: 'hello'; readonly engine: EngineName; readonly engineVersion: string }
  /** Answers an invocation, or the loading of the module with id 0. */
  | {
      readonly type: 'result'
      readonly id: number
      readonly payload: Uint8Array
      readonly fuelUsed: number
    }
  | { readonly type: 'hostCall'; readonly id: number; readonly op: number; readonly payload: Uint8Array }
  | { readonly type: 'log'; readonly stream: 1 | 2; readonly text: Uint8Array }
  | { readonly type: 'trap'; readonly id: number; readonly fault: FaultName; readonly message: string }

const numberMax = 0x7fff_ffff

export function encodeChildFrame(frame: ChildFrame): Uint8Array {
  switch (frame.type) {
    case 'hello':
      return head(frameType.hello, frameVersion, engineNames.indexOf(frame.engine), 0)
        .str(frame.engineVersion)
        .finish()
    case 'result':
      return head(frameType.result, frame.id, 0, frame.payload.length)
        .array(2)
        .bin(frame.payload)
        .uint(frame.fuelUsed)
        .finish()
    case 'hostCall':
      return head(frameType.hostCall, frame.id, frame.op, frame.payload.length).bin(frame.payload).finish()
    case 'log':
      return head(frameType.log, 0, frame.stream, frame.text.length).bin(frame.text).finish()
    case 'trap':
      return head(frameType.trap, frame.id, faultNames.indexOf(frame.fault), 0).str(frame.message).finish()
    default:
      return frame satisfies never
  }
}

/**
 * Byte strings are views of `bytes`. Throws CodecError, or SandboxError ERR_SANDBOX_FRAME, for anything that is not a
 * frame of a child to the letter.
 * @param payloadBytesMax what the app may hand over in one payload
 */
export function decodeChildFrame(bytes: Uint8Array, payloadBytesMax: number): ChildFrame {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(4)
  const type = reader.uint(frameType.trap)
  const id = reader.uint(numberMax)
  const op = reader.uint(numberMax)
  const frame = decodeBody(reader, { type, id, op, payloadBytesMax })
  reader.end()
  return frame
}

interface Head {
  readonly type: number
  readonly id: number
  readonly op: number
  readonly payloadBytesMax: number
}

function decodeBody(reader: CanonicalReader, { type, id, op, payloadBytesMax }: Head): ChildFrame {
  switch (type) {
    case frameType.hello: {
      if (id !== frameVersion) throw refuse(`hello of version ${id}, expected ${frameVersion}`)
      const engine = engineNames[op]
      if (engine === undefined) throw refuse(`hello names engine ${op}`)
      return { type: 'hello', engine, engineVersion: reader.str(childTextBytesMax) }
    }
    case frameType.result: {
      if (op !== 0) throw refuse(`result with op ${op}`)
      reader.arrayOf(2)
      return { type: 'result', id, payload: reader.bin(payloadBytesMax), fuelUsed: reader.uint(guestFuelMax) }
    }
    case frameType.hostCall:
      return { type: 'hostCall', id, op, payload: reader.bin(payloadBytesMax) }
    case frameType.log: {
      if (id !== 0) throw refuse(`log with id ${id}`)
      if (op !== 1 && op !== 2) throw refuse(`log of stream ${op}`)
      return { type: 'log', stream: op, text: reader.bin(logFrameBytesMax, 1) }
    }
    case frameType.trap: {
      const fault = faultNames[op]
      if (fault === undefined) throw refuse(`trap with number ${op}`)
      return { type: 'trap', id, fault, message: reader.str(childTextBytesMax) }
    }
    default:
      throw refuse(`a child sends no frame of type ${type}`)
  }
}

function refuse(problem: string): SandboxError {
  return new SandboxError('ERR_SANDBOX_FRAME', problem)
}

function head(type: number, id: number, op: number, bodyBytes: number): CanonicalWriter {
  return new CanonicalWriter(bodyBytes + childTextBytesMax).array(4).uint(type).uint(id).uint(op)
}
