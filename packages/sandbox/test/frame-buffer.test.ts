import { delimitFrame } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeChildFrame } from '../src/child-frame.ts'
import { FrameBuffer } from '../src/frame-buffer.ts'
import { encodeNodeFrame } from '../src/node-frame.ts'

const number = fc.oneof(
  fc.integer({ min: 0, max: 0x7fff_ffff }),
  fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536)
)
const fuel = fc.oneof(number, fc.constantFrom(0xffff_ffff, 0x1_0000_0000, 50_000_000_000))
const payload = fc.constantFrom(0, 1, 255, 256, 65_535, 65_536).map((size) => new Uint8Array(size).fill(9))
const frames = fc.array(
  fc.record({
    type: fc.constantFrom('invoke', 'result', 'hostCall', 'hostReply'),
    id: number,
    op: number,
    payload,
    fuel
  }),
  { minLength: 1, maxLength: 8 }
)
type Frame = (typeof frames extends fc.Arbitrary<infer T> ? T : never) extends readonly (infer One)[]
  ? One
  : never

function encodeOne({ type, id, op, payload: bytes, fuel: amount }: Frame): Uint8Array {
  switch (type) {
    case 'invoke':
      return encodeNodeFrame({ type: 'invoke', id, kind: op, payload: bytes, fuel: amount })
    case 'hostReply':
      return encodeNodeFrame({ type: 'hostReply', id, status: op, payload: bytes })
    case 'result':
      return encodeChildFrame({ type: 'result', id, payload: bytes, fuelUsed: amount })
    default:
      return encodeChildFrame({ type: 'hostCall', id, op, payload: bytes })
  }
}

function addOne(buffer: FrameBuffer, { type, id, op, payload: bytes, fuel: amount }: Frame): void {
  switch (type) {
    case 'invoke':
      return buffer.addInvoke(id, op, bytes, amount)
    case 'hostReply':
      return buffer.addHostReply(id, op, bytes)
    case 'result':
      return buffer.addResult(id, bytes, amount)
    default:
      return buffer.addHostCall(id, op, bytes)
  }
}

describe('FrameBuffer', () => {
  test('holds the frames that the general encoders write, one behind the other', () => {
    fc.assert(
      fc.property(frames, (list) => {
        const buffer = new FrameBuffer()
        for (const frame of list) addOne(buffer, frame)
        const general = Buffer.concat(list.map((frame) => delimitFrame(encodeOne(frame))))
        expect(buffer.length).toBe(general.length)
        expect(Buffer.compare(buffer.view(), general)).toBe(0)
      })
    )
  })

  test.each([0, 1, 255, 256, 65_535, 65_536])('begins a reply of %i bytes that follow it', (length) => {
    const bytes = new Uint8Array(length).fill(3)
    const [whole, begun] = [new FrameBuffer(), new FrameBuffer()]
    whole.addHostReply(300, 2, bytes)
    begun.addHostReplyBeginning(300, 2, new Uint8Array(0), length)
    expect(Buffer.compare(whole.view(), Buffer.concat([begun.view(), bytes]))).toBe(0)
  })

  test.each([0, 3, 255, 65_535])('joins the two parts of a reply, the first of %i bytes', (length) => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index)
    const [payload, rest] = [bytes.subarray(0, length), bytes.subarray(length)]
    const [whole, joined, begun] = [new FrameBuffer(), new FrameBuffer(), new FrameBuffer()]
    whole.addHostReply(300, 2, bytes)
    joined.addHostReply(300, 2, payload, rest)
    begun.addHostReplyBeginning(300, 2, payload, rest.length)
    expect(Buffer.compare(whole.view(), joined.view())).toBe(0)
    expect(Buffer.compare(whole.view(), Buffer.concat([begun.view(), rest]))).toBe(0)
  })

  test('gives away what it holds: what is added later changes none of it', () => {
    const buffer = new FrameBuffer()
    buffer.addHostReply(1, 0, Uint8Array.of(1))
    const taken = buffer.take()
    const copy = taken.slice()
    buffer.addHostReply(2, 0, Uint8Array.of(2))
    expect(taken).toEqual(Buffer.from(copy))
    expect(buffer.length).toBe(copy.length)
  })

  test('is empty after it was cleared', () => {
    const buffer = new FrameBuffer()
    buffer.addHostCall(1, 2, new Uint8Array(3))
    buffer.clear()
    expect(buffer.view()).toHaveLength(0)
  })
})
