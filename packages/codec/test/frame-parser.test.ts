import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameParser, concatBytes, delimitFrame, frameBytesMax } from '@blocktree/codec'
import { fromHex } from './subset-value.ts'

const body = fc.uint8Array({ minLength: 1, maxLength: 50 })
const refused = expect.objectContaining({ code: 'ERR_CODEC_FRAME' })

describe('FrameParser', () => {
  test('gives the same bodies however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(body, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (bodies, cuts) => {
          const stream = concatBytes(...bodies.map(delimitFrame))
          const parser = new FrameParser()
          const seen: Uint8Array[] = []
          let offset = 0
          for (const length of [...cuts, stream.length]) {
            seen.push(...parser.push(stream.subarray(offset, offset + length)))
            offset = Math.min(offset + length, stream.length)
          }
          expect(seen).toEqual(bodies)
          expect(parser.heldBytes).toBe(0)
          parser.end()
        }
      )
    )
  })

  test('takes a frame of a mebibyte that arrives byte by byte', () => {
    const whole = delimitFrame(new Uint8Array(1 << 20).fill(7))
    const parser = new FrameParser()
    let bodies: Uint8Array[] = []
    for (let index = 0; index < whole.length; index++) bodies = parser.push(whole.subarray(index, index + 1))
    expect(bodies[0]?.length).toBe(1 << 20)
    expect(bodies[0]?.every((byte) => byte === 7)).toBe(true)
  })

  test('refuses a claimed length above the limit before its bytes arrive, and stays refused', () => {
    const parser = new FrameParser(1000)
    expect(() => parser.push(fromHex('000003e9'))).toThrow(refused)
    expect(parser.heldBytes).toBe(0)
    expect(() => parser.push(delimitFrame(new Uint8Array(1)))).toThrow(refused)
  })

  test('takes a body of exactly the limit', () => {
    expect(new FrameParser(1000).push(delimitFrame(new Uint8Array(1000)))).toHaveLength(1)
  })

  test('refuses an empty frame', () => {
    expect(() => new FrameParser().push(fromHex('00000000'))).toThrow(refused)
  })

  test('reports a stream that ends inside a frame', () => {
    const parser = new FrameParser()
    parser.push(fromHex('0000'))
    expect(() => parser.end()).toThrow(refused)
  })
})

describe('delimitFrame', () => {
  test('refuses an empty body and one above the limit', () => {
    expect(() => delimitFrame(new Uint8Array())).toThrow(refused)
    expect(() => delimitFrame(new Uint8Array(frameBytesMax + 1))).toThrow(refused)
  })
})
