/**
 * Received bytes to messages, for both framings (doc/spec/10-rpc.md, section 2). The consumer pulls, so that it can stop
 * in the middle of a chunk when its peer does not read the answers.
 */
import { unpackFrame } from '@blocktree/codec'

import { FrameReader } from './frame-reader.ts'
import { type BadLine, LineReader } from './line-reader.ts'
import { RpcError } from './rpc-error.ts'
import type { Framing } from './schema.ts'
import { decodeDataFrame } from './stream-frame.ts'

/** One message, or why there is none. */
export type Incoming =
  | { readonly value: unknown; readonly bytes: number }
  | { readonly problem: RpcError; readonly fatal: boolean }

export interface MessageReader {
  push(chunk: Uint8Array): void
  /** Counts an unfinished line as a line, at the end of the input. */
  finish(): void
  next(): Incoming | undefined
}

/** The framing a peer speaks, by the first byte it sends. */
export function framingOfFirstByte(byte: number): Framing {
  return byte === 0 ? 'frames' : 'json'
}

export function createMessageReader(
  framing: Framing,
  limits: { lineBytesMax: number; frameBytesMax: number }
): MessageReader {
  return framing === 'json'
    ? createLineMessages(limits.lineBytesMax)
    : createFrameMessages(limits.frameBytesMax)
}

function createLineMessages(lineBytesMax: number): MessageReader {
  const lines = new LineReader(lineBytesMax)
  return {
    push: (chunk) => lines.push(chunk),
    finish: () => lines.finish(),
    next() {
      for (;;) {
        const line = lines.next()
        if (line === undefined) return undefined
        if (typeof line !== 'string') return { problem: refuseLine(line, lineBytesMax), fatal: false }
        try {
          return { value: JSON.parse(line), bytes: line.length }
        } catch {
          if (line.trim() !== '')
            return { problem: new RpcError('ERR_RPC_PARSE', 'the line is not JSON'), fatal: false }
        }
      }
    }
  }
}

function refuseLine(line: BadLine, lineBytesMax: number): RpcError {
  return line.problem === 'too-long'
    ? new RpcError(
        'ERR_RPC_LINE_TOO_LONG',
        `a line is longer than ${lineBytesMax} bytes and was skipped; send large content as an upload`
      )
    : new RpcError('ERR_RPC_PARSE', 'the line is not UTF-8 text')
}

function createFrameMessages(frameBytesMax: number): MessageReader {
  const frames = new FrameReader(frameBytesMax)
  return {
    push: (chunk) => frames.push(chunk),
    finish: () => undefined,
    next() {
      const frame = frames.next()
      if (frame === undefined) return undefined
      return frame instanceof RpcError ? { problem: frame, fatal: true } : readFrame(frame)
    }
  }
}

function readFrame(frame: Uint8Array): Incoming {
  try {
    return { value: decodeDataFrame(frame) ?? unpackFrame(frame), bytes: frame.length }
  } catch (error) {
    return {
      problem: new RpcError('ERR_RPC_PARSE', 'the frame is not MessagePack', {}, { cause: error }),
      fatal: false
    }
  }
}
