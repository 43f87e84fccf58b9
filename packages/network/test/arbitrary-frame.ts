/** Every frame that can be sent, for tests with random ones. */
import fc from 'fast-check'
import { type Frame, frameType } from '../src/frame.ts'

const name = fc.stringMatching(/^[!-~]{1,64}$/)
const code = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,63}$/)
const id = fc.nat({ max: 2 ** 32 - 1 })
const timeoutMs = fc.integer({ min: 1, max: 600_000 })
const bytes = fc.uint8Array({ maxLength: 5000 })
const token = fc.uint8Array({ minLength: 16, maxLength: 16 })
const byte = fc.nat({ max: 255 })
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
export const arbitraryFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    type: fc.constant(frameType.hello),
    version: byte,
    channel: byte,
    instance: token,
    session: token
  }),
  fc.record({ type: fc.constant(frameType.request), id, timeoutMs, method: name, body: bytes }),
  fc.record({ type: fc.constant(frameType.answer), id, body: bytes }),
  fc.record({ type: fc.constant(frameType.error), id, code, message: text }),
  fc.record({ type: fc.constant(frameType.event), name, body: bytes }),
  fc.record({ type: fc.constant(frameType.close), reason: text }),
  fc.record({ type: fc.constant(frameType.pull), id, timeoutMs, credit: id, method: name, head: bytes }),
  fc.record({
    type: fc.constant(frameType.chunk),
    id,
    body: fc.uint8Array({ minLength: 1, maxLength: 5000 })
  }),
  fc.record({ type: fc.constant(frameType.credit), id, bytes: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }),
  ...[frameType.cancel, frameType.ping, frameType.pong, frameType.end, frameType.channel].map((type) =>
    fc.record({ type: fc.constant(type), id })
  )
)
