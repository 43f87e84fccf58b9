/** What hosts without keys see, and what is stated rather than prevented (MODEL B.14, attacks A14, A44, A45, A58). */
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import { CanonicalReader } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockKey } from '../../src/block-key.ts'
import { createEndpoint } from '../../src/endpoint.ts'
import { createHeader, openHeader } from '../../src/header.ts'
import { noMetadata } from '../../src/header-private.ts'
import { listReferences } from '../../src/payload-references.ts'
import { PayloadWriter } from '../../src/payload-writer.ts'
import { recordType } from '../../src/records.ts'
import { Fixture, createReplica, crypto, principalNamed, replicaOf } from '../tree-fixture.ts'

const encoder = new TextEncoder()
const alice = principalNamed('alice')

/** A header with this name in a private zone. */
function sealedHeader(name: string, random = crypto.random) {
  const fixture = new Fixture('names')
  const place = fixture.place(fixture.root, fixture.rootPlace)
  const key = blockKey(crypto, new Uint8Array(32).fill(9), place.block, 0)
  const draft = fixture.header(fixture.root, place, { prev: [] }).body
  const header = createHeader(
    { crypto, random },
    fixture.root.principal,
    { ...draft, epoch: new Uint8Array(32).fill(3) },
    { name, metadata: noMetadata, size: 0, rootKey: undefined },
    key
  )
  return { header, key }
}

describe('names of sealed headers', () => {
  test('A14: equal names look different, and names of like length look alike', () => {
    const sealed = (name: string): Uint8Array => sealedHeader(name).header.body.sealed
    expect(sealed('report')).not.toEqual(sealed('report'))
    expect(new Set(['a', 'report', 'a longer name'].map((name) => sealed(name).length)).size).toBe(1)
    expect((sealed('x'.repeat(200)).length - 28) % 64).toBe(0)
  })

  test('A14: no nonce repeats over two names, not even when the generator does', () => {
    const nonce = (name: string): string =>
      sealedHeader(name, createSeededRandom('the same')).header.body.sealed.subarray(0, 12).toHex()
    expect(nonce('first')).not.toBe(nonce('other'))
  })

  test('A58: the part of a header that hosts read has eleven fields and no name, size or time', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, maxLength: 60, unit: 'grapheme-ascii' }), (name) => {
        const { header, key } = sealedHeader(name)
        const reader = new CanonicalReader(header.body.publicBytes)
        expect(reader.array(255)).toBe(11)
        expect(header.bytes.toHex()).not.toContain(encoder.encode(name).toHex())
        expect(openHeader(crypto, header.body, key).name).toBe(name)
      }),
      { numRuns: 50 }
    )
  })
})

describe('keys', () => {
  test('A44: a transport key is certified by its principal apart from it, and by nobody else', async () => {
    const fixture = new Fixture('A44')
    const author = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const transportKey = new Uint8Array(32).fill(5)
    const endpoint = createEndpoint(crypto, alice, {
      tree: fixture.tree.id,
      transportKey,
      addresses: ['/ip4/127.0.0.1/tcp/1'],
      notAfter: 1000,
      sequence: 1
    })
    expect(endpoint.body.transportKey).not.toEqual(author.principal.record.body.signingPublicKey)
    const { state } = await replicaOf(fixture)
    const forged = endpoint.bytes.slice()
    forged[forged.length - 70] = (forged[forged.length - 70] ?? 0) ^ 1
    const offer = { records: [{ bytes: forged }, { bytes: endpoint.bytes }] }
    const [first, second] = await state.offer(offer, { peer: 'p', from: 'host' })
    expect([first?.outcome, second?.outcome]).toEqual(['refused', 'accepted'])
    expect(state.authority.endpointsOf(alice.id)[0]?.body.transportKey).toEqual(transportKey)
  })

  test('A45: keys are sealed with a suite that quantum computers do not open; signatures are Ed25519 alone', async () => {
    const { state } = await createReplica()
    const reader = new CanonicalReader(bodyOf(alice.record.bytes))
    reader.array(255)
    expect(reader.uint()).toBe(1)
    expect(reader.bin(64)).toHaveLength(32)
    expect(reader.uint()).toBe(1)
    expect(reader.bin(2000)).toHaveLength(1216) // ML-KEM-768 and X25519 together
    const offer = { records: [{ bytes: alice.record.bytes }] }
    expect((await state.offer(offer, { peer: 'p', from: 'host' })).at(0)?.outcome).toBe('accepted')
  })
})

/** The body inside an envelope. */
function bodyOf(envelope: Uint8Array): Uint8Array {
  const reader = new CanonicalReader(envelope)
  reader.array(255)
  reader.str(16)
  expect(reader.uint()).toBe(recordType.principal)
  reader.uint()
  reader.bin(32)
  return reader.bin(4096)
}

describe('a host without keys', () => {
  test('D7: marks exactly the sectors of a payload, whatever its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600_000 }), (size) => {
        const stored = new Map<string, Uint8Array>()
        const block = crypto.sha256(encoder.encode('block'))
        const writer = new PayloadWriter(
          { crypto, random: crypto.random, block, aead: 1 },
          { sectorLog2: 12, emit: ({ reference, bytes }) => stored.set(reference.toHex(), bytes.slice()) }
        )
        writer.push(crypto.random.bytes(size))
        const { payload } = writer.finish()
        const listed = [...listReferences(payload, (id) => stored.get(id.toHex()))].map(({ hash }) =>
          hash.toHex()
        )
        expect(new Set(listed)).toEqual(new Set(stored.keys()))
        expect(listed).toHaveLength(stored.size)
      }),
      { numRuns: 15 }
    )
  })
})
