/** Messages between replicas: what is written is read back, and nothing else is accepted. */
import { CodecError } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PartReader, packFrames, partLength, unpackFrames } from '../src/byte-stream.ts'
import * as messages from '../src/messages.ts'

const id = fc.uint8Array({ minLength: 32, maxLength: 32 })
const ids = fc.array(id, { maxLength: 5 })
const path = fc.array(fc.nat(15), { maxLength: 64 }).map((nibbles) => Uint8Array.from(nibbles))
/** No place twice, and none inside another one: they are of one depth. */
const paths = fc.nat(64).chain((depth) =>
  fc.uniqueArray(fc.uint8Array({ minLength: depth, maxLength: depth, max: 15 }), {
    maxLength: 5,
    selector: (nibbles) => nibbles.toHex()
  })
)
const blocks = fc.uniqueArray(fc.record({ block: id, have: ids }), {
  maxLength: 4,
  selector: ({ block }) => block.toHex()
})
const ask = { tree: id, scope: ids }
const set = fc.constantFrom(1 as const, 2 as const, 3 as const)
const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 })

/** Every message with a generator of values. */
const pairs: readonly (readonly [
  string,
  fc.Arbitrary<unknown>,
  (value: never) => Uint8Array,
  (bytes: Uint8Array) => unknown
])[] = [
  ['open', fc.record(ask), messages.encodeOpen, messages.decodeOpen],
  [
    'nodes',
    fc.record({ ...ask, set, levels: fc.constantFrom(1 as const, 2 as const), paths }),
    messages.encodeNodesAsk,
    messages.decodeNodesAsk
  ],
  ['records', fc.record({ ...ask, set, ids, paths }), messages.encodeRecordsAsk, messages.decodeRecordsAsk],
  ['headers', fc.record({ ...ask, paths, blocks }), messages.encodeHeadersAsk, messages.decodeHeadersAsk],
  [
    'sectors',
    fc.record({ ...ask, owners: fc.array(fc.record({ owner: id, references: ids }), { maxLength: 4 }) }),
    messages.encodeSectorsAsk,
    messages.decodeSectorsAsk
  ],
  [
    'receipt',
    fc.record({
      ...ask,
      zone: id,
      coverage: fc.constantFrom(1 as const, 2 as const, 3 as const),
      records: ids
    }),
    messages.encodeReceiptAsk,
    messages.decodeReceiptAsk
  ],
  [
    'receipt answer',
    fc.record({ receipt: fc.option(bytes, { nil: undefined }), missing: ids }),
    messages.encodeReceiptAnswer,
    messages.decodeReceiptAnswer
  ],
  [
    'challenge',
    fc.record({
      ...ask,
      nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      owner: id,
      references: fc.array(id, { maxLength: 4 })
    }),
    messages.encodeChallengeAsk,
    messages.decodeChallengeAsk
  ],
  [
    'push',
    fc.record({
      tree: id,
      births: fc.array(
        bytes.map((some) => some.slice(0, 256)),
        { maxLength: 3 }
      ),
      records: fc.array(fc.record({ bytes, inline: fc.option(bytes, { nil: undefined }) }), { maxLength: 3 })
    }),
    messages.encodePush,
    messages.decodePush
  ],
  ['doubt', fc.record({ tree: id, holder: id, ids }), messages.encodeDoubt, messages.decodeDoubt],
  [
    'change',
    fc.record({
      token: fc.uint8Array({ maxLength: 32 }),
      header: fc.option(fc.record({ block: id, zone: id, record: id }), { nil: undefined })
    }),
    messages.encodeToldChange,
    messages.decodeToldChange
  ]
]

describe.each(pairs)('%s', (_, values, encode, decode) => {
  test('reads what was written', () => {
    // The generator makes what the encoder takes; the table only cannot say so.
    fc.assert(
      fc.property(values, (value) => {
        expect(decode(encode(value as never))).toEqual(value)
      }),
      { numRuns: 40 }
    )
  })

  test('refuses anything else with an error of the codec', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(255), (value, place, byte) => {
        const changed = encode(value as never).slice()
        changed[place % changed.length] = byte
        for (const hostile of [
          changed,
          changed.subarray(0, place % changed.length),
          new Uint8Array([...changed, 0])
        ]) {
          try {
            decode(hostile)
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError)
          }
        }
      }),
      { numRuns: 60 }
    )
  })
})

describe('an ask that would be answered many times over', () => {
  const tree = new Uint8Array(32)
  const top = new Uint8Array(0)
  const deep = Uint8Array.of(1, 2)

  test('is refused: a place twice, a place in another one, a block twice', () => {
    const start = { tree, scope: [], set: 3 as const, levels: 2 as const }
    const nodes = (places: readonly Uint8Array[]): unknown =>
      messages.decodeNodesAsk(messages.encodeNodesAsk({ ...start, paths: places }))
    expect(() => nodes([deep, deep])).toThrow(CodecError)
    expect(nodes([top, deep])).toMatchObject({ paths: [top, deep] }) // of summaries each is one answer
    const records = (places: readonly Uint8Array[]): unknown =>
      messages.decodeRecordsAsk(messages.encodeRecordsAsk({ ...start, ids: [], paths: places }))
    expect(() => records([top, deep])).toThrow(CodecError)
    expect(() => records([Uint8Array.of(1, 2, 3), Uint8Array.of(9), deep])).toThrow(CodecError)
    expect(records([deep, Uint8Array.of(1, 3)])).toBeDefined()
    const headers = (named: readonly Uint8Array[]): unknown =>
      messages.decodeHeadersAsk(
        messages.encodeHeadersAsk({
          ...start,
          paths: [],
          blocks: named.map((block) => ({ block, have: [] }))
        })
      )
    expect(() => headers([tree, tree])).toThrow(CodecError)
    expect(headers([tree])).toBeDefined()
  })
})

describe('nodes of an answer', () => {
  const child = fc.record({ count: fc.integer({ min: 1, max: 1e9 }), hash: id })
  const empty = { count: 0, hash: new Uint8Array(32) }
  const node = fc.oneof(
    fc.record({
      path,
      kind: fc.constant('rows' as const),
      rows: fc.array(fc.record({ key: id, tips: ids }), { maxLength: 4 })
    }),
    fc.record({
      path,
      kind: fc.constant('inner' as const),
      children: fc.array(fc.oneof(child, fc.constant(empty)), { minLength: 16, maxLength: 16 })
    })
  )

  test('read what was written', () => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 4 }), (nodes) => {
        expect(messages.decodeNodesAnswer(messages.encodeNodesAnswer(nodes))).toEqual(nodes)
      }),
      { numRuns: 60 }
    )
  })

  test('refuse hostile bytes with an error of the codec', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (hostile) => {
        expect(() => messages.decodeNodesAnswer(hostile)).toThrow(CodecError)
      }),
      { numRuns: 300 }
    )
  })
})

describe('streams', () => {
  test('frames come out wherever chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(bytes, { maxLength: 20 }),
        fc.integer({ min: 1, max: 50 }),
        async (frames, size) => {
          async function* source(): AsyncGenerator<Uint8Array> {
            yield* frames
          }
          async function* cut(): AsyncGenerator<Uint8Array> {
            for await (const chunk of packFrames(source()))
              for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
          }
          const out: Uint8Array[] = []
          for await (const frame of unpackFrames(cut())) out.push(frame.slice())
          expect(out).toEqual(frames)
        }
      ),
      { numRuns: 40 }
    )
  })

  test('parts come out in order, absent ones too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(bytes, { nil: undefined }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 50 }),
        (parts, size) => {
          const all = parts.flatMap((part) => [...partLength(part?.length ?? 0), ...(part ?? [])])
          const reader = new PartReader(1000, (length) => new Uint8Array(length))
          const out: (Uint8Array | undefined)[] = []
          for (let at = 0; at < all.length; at += size)
            out.push(...reader.push(Uint8Array.from(all.slice(at, at + size))).map((part) => part?.slice()))
          expect(out).toEqual(parts)
          expect(reader.open).toBeUndefined()
        }
      ),
      { numRuns: 60 }
    )
  })

  test('a part that claims more than the bound is refused before it is held', () => {
    const place = (): never => {
      throw new Error('no place for it is asked for')
    }
    expect(() => new PartReader(1000, place).push(partLength(1001))).toThrow(RangeError)
  })
})
