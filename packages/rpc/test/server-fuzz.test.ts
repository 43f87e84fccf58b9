import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { createRpcServer, type Framing } from '@blocktree/rpc'
import { createConformanceHandlers } from '@blocktree/rpc/conformance'

import { connectRaw, frameOf, lineOf, settle } from './raw-connection.ts'

const numRuns = process.env['SLOW'] === '1' ? 5000 : 300
const limits = { lineBytesMax: 400, frameBytesMax: 400 }

const id = fc.oneof(
  fc.nat(5),
  fc.string({ maxLength: 4 }),
  fc.constant(null),
  fc.constant(undefined),
  fc.double()
)
const methods = [
  'test.echo',
  'test.fail',
  'test.bytes',
  'test.watch',
  'rpc.cancel',
  'rpc.discover',
  'stream.write',
  'stream.end',
  'stream.credit',
  'test.upload',
  'test.no'
]
const params = fc.oneof(
  fc.record({ text: fc.string() }),
  fc.record({ id: fc.nat(5), bytes: fc.oneof(fc.constant('AAAA'), fc.nat(), fc.constant('*')) }),
  fc.record({ content: fc.oneof(fc.base64String(), fc.uint8Array()) }),
  fc.record({ events: fc.nat(3), end: fc.boolean() }),
  fc.dictionary(fc.string(), fc.jsonValue()),
  fc.jsonValue()
)
const request = fc.record({ id, method: fc.constantFrom(...methods), params })
const line = fc.oneof(
  request.map((message) => lineOf(message)),
  fc.array(request, { maxLength: 3 }).map((batch) => lineOf(batch)),
  fc.jsonValue().map((value) => lineOf(value)),
  fc.uint8Array({ maxLength: 40 }),
  fc.constant(Buffer.from(`${'x'.repeat(500)}\n`)),
  fc.constant(Buffer.from('\n')),
  fc.constant(Buffer.from('"\u{1f333}ü"\n'))
)
const stream = fc.record(
  { s: fc.oneof(fc.nat(5), fc.double()), d: fc.uint8Array(), end: fc.boolean(), w: fc.integer() },
  { requiredKeys: ['s'] }
)
const frame = fc.oneof(
  fc.oneof(request, stream, fc.jsonValue()).map((message) => {
    try {
      return frameOf(message)
    } catch {
      return frameOf(null) // NaN and the like have no frame
    }
  }),
  fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((body) => Buffer.concat([Buffer.from([0, 0, 0, body.length]), body]))
)

async function answersTo(chunks: readonly Uint8Array[], framing: Framing): Promise<unknown[]> {
  const server = createRpcServer({ handlers: createConformanceHandlers(), limits })
  const raw = connectRaw(server, framing)
  for (const chunk of chunks) raw.receiver.receive(Uint8Array.from(chunk))
  await settle()
  const messages = raw.messages()
  raw.receiver.end()
  return messages
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const borders = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].toSorted(
    (left, right) => left - right
  )
  return [0, ...borders].map((start, index) => bytes.subarray(start, borders[index] ?? bytes.length))
}

/** The order of answers that wait for the event loop may depend on when their bytes came; what they are may not. */
function asSet(messages: readonly unknown[]): string[] {
  return messages.map((message) => JSON.stringify(message)).toSorted()
}

describe('a server', () => {
  test.each([
    [
      'json' as const,
      fc.array(line, { maxLength: 12 }).map((lines) => Buffer.concat([Buffer.from(' '), ...lines]))
    ],
    [
      'frames' as const,
      fc.array(frame, { minLength: 1, maxLength: 12 }).map((frames) => Buffer.concat(frames))
    ]
  ])('gives the same answers however %s input is split, and throws nothing', async (framing, inputs) => {
    await fc.assert(
      fc.asyncProperty(inputs, fc.array(fc.nat(), { maxLength: 8 }), async (input, cuts) => {
        const whole = await answersTo([input], framing)
        expect(asSet(await answersTo(cut(input, cuts), framing))).toEqual(asSet(whole))
      }),
      { numRuns }
    )
  })

  test('takes single bytes', async () => {
    const input = Buffer.concat([
      lineOf({ id: 1, method: 'test.echo', params: { text: 'ü\u{1f333}' } }),
      Buffer.from('x\n{}\n')
    ])
    expect(
      await answersTo(
        [...input].map((byte) => new Uint8Array([byte])),
        'json'
      )
    ).toEqual(await answersTo([input], 'json'))
  })

  test('survives any bytes and still answers another connection', async () => {
    const server = createRpcServer({ handlers: createConformanceHandlers() })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }), async (chunks) => {
        const raw = connectRaw(server)
        for (const chunk of chunks) raw.receiver.receive(chunk)
        raw.receiver.end()
        const other = connectRaw(server)
        other.say({ id: 1, method: 'test.echo', params: { text: 'a' } })
        expect(other.messages()).toHaveLength(1)
        other.receiver.end()
        await Promise.resolve()
      }),
      { numRuns }
    )
    expect(server.connections.size).toBe(0)
  })
})
