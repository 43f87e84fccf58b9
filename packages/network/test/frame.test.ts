import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NetworkError } from '@blocktree/network'
import { decodeFrame, encodeFrame, type Frame, frameType } from '../src/frame.ts'
import { arbitraryFrame } from './arbitrary-frame.ts'
import { FrameReader } from '../src/frame-reader.ts'
import { bodyBytesMax, errorMessageBytesMax, reasonBytesMax } from '../src/limits.ts'

interface VectorFile {
  readonly groups: {
    readonly frames: readonly {
      readonly comment: string
      readonly input: FrameText
      readonly output: string
    }[]
    readonly refused: readonly { readonly comment: string; readonly input: string; readonly error: string }[]
  }
}

/** A frame in JSON: bytes are hex. */
type FrameText = Readonly<Record<string, string | number>>

const { groups }: VectorFile = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../doc/spec/vectors/network.json'), 'utf8')
)
const runs = process.env['SLOW'] === '1' ? 20_000 : 300
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const byteFields: ReadonlySet<string> = new Set(['instance', 'session', 'body', 'head'])

function toText(frame: Frame): FrameText {
  return Object.fromEntries(
    Object.entries(frame).map(([name, value]) => [name, value instanceof Uint8Array ? hex(value) : value])
  )
}

function encode(frame: Frame): Uint8Array {
  const { header, body } = encodeFrame(frame)
  return Uint8Array.from(Buffer.concat([header, body]))
}

/** The frame in bytes that begin with its length. */
function decodeWhole(bytes: Uint8Array): Frame {
  const frames: Frame[] = []
  new FrameReader().push(bytes, (frame) => frames.push(decodeFrame(frame)) > 0)
  const [frame] = frames
  if (frame === undefined || frames.length > 1) throw new Error(`${frames.length} frames`)
  return frame
}

describe('frame vectors', () => {
  test.each(groups.frames)('$comment', ({ input, output }) => {
    const frame = decodeWhole(Uint8Array.from(Buffer.from(output, 'hex')))
    expect(toText(frame)).toEqual(input)
    expect(hex(encode(frame))).toBe(output)
  })

  test.each(groups.refused)('$comment is refused', ({ input, error }) => {
    expect(() => decodeWhole(Uint8Array.from(Buffer.from(input, 'hex')))).toThrow(
      expect.objectContaining({ code: error })
    )
  })

  test('have every type and name only fields of bytes as hex', () => {
    expect(new Set(groups.frames.map(({ input }) => input['type']))).toEqual(
      new Set(Object.values(frameType))
    )
    const texts = groups.frames.flatMap(({ input }) =>
      Object.keys(input).filter((key) => byteFields.has(key))
    )
    expect(texts.length).toBeGreaterThan(0)
  })
})

describe('encodeFrame and decodeFrame', () => {
  test('are inverses for every frame', () => {
    fc.assert(
      fc.property(arbitraryFrame, (frame) => {
        expect(toText(decodeWhole(encode(frame)))).toEqual(toText(frame))
      }),
      { numRuns: runs }
    )
  })

  test('what is decoded encodes to the same bytes, and all else is refused with our error', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 120 }),
        fc.integer({ min: 0, max: 15 }),
        (input, type) => {
          const body = Uint8Array.of(type, ...input)
          let frame: Frame
          try {
            frame = decodeFrame(body)
          } catch (error) {
            expect(error).toBeInstanceOf(NetworkError)
            return
          }
          expect(hex(encode(frame).subarray(4))).toBe(hex(body))
        }
      ),
      { numRuns: runs * 10 }
    )
  })

  test('cut long texts between characters', () => {
    const cases = [
      [{ type: frameType.close, reason: 'ä'.repeat(500) }, reasonBytesMax],
      [{ type: frameType.error, id: 1, code: 'ERR_X', message: '😀'.repeat(500) }, errorMessageBytesMax]
    ] as const
    for (const [frame, bytesMax] of cases) {
      const decoded = decodeWhole(encode(frame))
      const long = 'reason' in decoded ? decoded.reason : 'message' in decoded ? decoded.message : ''
      expect(Buffer.byteLength(long)).toBeLessThanOrEqual(bytesMax)
      expect(Buffer.byteLength(long)).toBeGreaterThan(bytesMax - 4)
      expect(long).not.toContain('\ufffd')
    }
  })

  test('do not hold the chunk of a small body', () => {
    const chunk = new Uint8Array(64 * 1024)
    const whole = encode({ type: frameType.answer, id: 1, body: Uint8Array.of(1, 2, 3) })
    chunk.set(whole)
    const frame = decodeFrame(chunk.subarray(4, whole.length))
    expect('body' in frame ? frame.body.buffer.byteLength : 0).toBe(3)
  })
})

describe('FrameReader', () => {
  test('finds the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryFrame, { maxLength: 8 }),
        fc.array(fc.nat({ max: 400 })),
        (sent, cuts) => {
          const stream = Buffer.concat(sent.map(encode))
          const reader = new FrameReader()
          const got: FrameText[] = []
          let at = 0
          for (const cut of [...cuts, stream.length]) {
            const chunk = Uint8Array.from(stream.subarray(at, at + cut))
            reader.push(chunk, (frame) => got.push(toText(decodeFrame(frame))) > 0)
            at += cut
          }
          expect(got).toEqual(sent.map(toText))
        }
      ),
      { numRuns: runs }
    )
  })

  test('hands on the same bodies in pieces, and all else as frames of their own', () => {
    const chunk = fc.record({
      type: fc.constant(frameType.chunk),
      id: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      body: fc.uint8Array({ minLength: 1, maxLength: 300 })
    })
    fc.assert(
      fc.property(
        fc.array(fc.oneof(arbitraryFrame, chunk), { maxLength: 8 }),
        fc.array(fc.nat({ max: 100 })),
        (sent, cuts) => {
          const stream = Buffer.concat(sent.map(encode))
          const reader = new FrameReader()
          const got: FrameText[] = []
          let body: number[] = []
          let at = 0
          for (const cut of [...cuts, stream.length]) {
            const bytes = Uint8Array.from(stream.subarray(at, at + cut))
            reader.push(
              bytes,
              (frame) => {
                expect(frame.buffer).not.toBe(bytes.buffer)
                return got.push(toText(decodeFrame(frame))) > 0
              },
              (piece) => {
                expect(piece.before).toBe(body.length)
                body.push(...piece.bytes)
                if (piece.left > 0) return true
                got.push(toText({ type: frameType.chunk, id: piece.id, body: Uint8Array.from(body) }))
                body = []
                return true
              }
            )
            bytes.fill(0xee) // the memory belongs to the link again
            at += cut
          }
          expect(got).toEqual(sent.map(toText))
        }
      ),
      { numRuns: runs }
    )
  })

  test('refuses a chunk in pieces that is longer than a body, and one without a body', () => {
    const begin = (length: number): Uint8Array => {
      const bytes = new Uint8Array(20)
      new DataView(bytes.buffer).setUint32(0, length)
      bytes[4] = frameType.chunk
      return bytes
    }
    const piece = (): boolean => true
    const take = (frame: Uint8Array): boolean => decodeFrame(frame).type > 0
    expect(() => new FrameReader().push(begin(5 + bodyBytesMax), take, piece)).not.toThrow()
    expect(() => new FrameReader().push(begin(6 + bodyBytesMax), take, piece)).toThrow(NetworkError)
    expect(() => new FrameReader().push(begin(5), take, piece)).toThrow(NetworkError)
  })

  test('refuses a length of zero and one above its limit', () => {
    const take = (): boolean => true
    for (const prefix of [
      [0, 0, 0, 0],
      [0, 0, 1, 1],
      [255, 255, 255, 255]
    ]) {
      expect(() => new FrameReader(256).push(Uint8Array.from(prefix), take)).toThrow(NetworkError)
    }
    expect(() => new FrameReader(256).push(Uint8Array.of(0, 0, 1, 0), take)).not.toThrow()
    expect(() => decodeFrame(new Uint8Array(bodyBytesMax + 129))).toThrow(NetworkError)
  })

  test('reads no more when told so', () => {
    const two = Buffer.concat([
      encode({ type: frameType.ping, id: 1 }),
      encode({ type: frameType.ping, id: 2 })
    ])
    let count = 0
    new FrameReader().push(Uint8Array.from(two), () => ++count < 1)
    expect(count).toBe(1)
  })
})
