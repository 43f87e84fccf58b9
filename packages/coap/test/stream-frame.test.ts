import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CoapError } from '../src/coap-error.ts'
import { FrameReader } from '../src/frame-reader.ts'
import { messageBytesMax } from '../src/limits.ts'
import type { Message } from '../src/message.ts'
import { encodeFrameHead, frameLength } from '../src/stream-frame.ts'
import { arbitraryMessage, pattern } from './samples.ts'

function encode(message: Message): Uint8Array {
  return new Uint8Array(Buffer.concat([encodeFrameHead(message), message.payload]))
}

function readAll(
  bytes: Uint8Array,
  pieces: readonly number[],
  lengthMax: number = messageBytesMax
): Message[] {
  const reader = new FrameReader(lengthMax)
  const messages: Message[] = []
  let at = 0
  for (const piece of [...pieces, bytes.length]) {
    reader.read(bytes.subarray(at, at + piece), (message) => messages.push(message))
    at = Math.min(at + piece, bytes.length)
  }
  return messages
}

describe('a frame', () => {
  test('decodes to what was encoded, whatever pieces it comes in', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(arbitraryMessage, { minLength: 1, maxLength: 4 }), pieces, (messages, cuts) => {
        const bytes = new Uint8Array(Buffer.concat(messages.map(encode)))
        expect(readAll(bytes, cuts)).toEqual(messages)
      }),
      { numRuns: 200 }
    )
  })

  test.each([0, 11, 12, 13, 267, 268, 269, 65_803, 65_804, 65_805, 100_000])(
    'with a payload of %i bytes has the length it says, byte by byte',
    (length) => {
      const message = { code: 0x45, token: Uint8Array.of(1, 2), options: [], payload: pattern(length) }
      const bytes = encode(message)
      expect(bytes.length).toBe(frameLength(message))
      const reader = new FrameReader(messageBytesMax)
      const found: Message[] = []
      for (const byte of bytes.subarray(0, 20)) reader.read(Uint8Array.of(byte), (read) => found.push(read))
      reader.read(bytes.subarray(20), (read) => found.push(read))
      expect(found).toEqual([message])
      expect(reader.heldBytes).toBe(0)
    }
  )

  test('that was made up of any bytes is refused by the one error, or read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readAll(bytes, [3, 5, 8])
        } catch (error) {
          expect(error).toBeInstanceOf(CoapError)
        }
      }),
      { numRuns: 1000 }
    )
  })

  test('longer than the limit is refused by its head alone', () => {
    const reader = new FrameReader(messageBytesMax)
    const huge = Uint8Array.of(0xf0, 0xff, 0xff, 0xff, 0xff)
    expect(() => reader.read(huge, () => undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_COAP_TOO_LARGE' })
    )
  })

  test('that is announced but does not come takes little room', () => {
    const reader = new FrameReader(messageBytesMax)
    reader.read(Uint8Array.of(0xf0, 0, 2, 0, 0, 1), () => undefined)
    expect(reader.heldBytes).toBeLessThan(10_000)
  })

  test('with a token of 9 bytes is refused', () => {
    expect(() => readAll(Uint8Array.of(0x09, 1), [])).toThrow(
      expect.objectContaining({ code: 'ERR_COAP_FORMAT' })
    )
  })
})
