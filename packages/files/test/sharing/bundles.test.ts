/** Bundles (doc/spec/15-bundles.md): carrying a tree or a part of it to another node, and hostile streams. */
import { right } from '@blocktree/tree'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BundleDecoder, BundleEncoder } from '../../src/sharing/bundle-frame.ts'
import { FilesError } from '../../src/index.ts'
import {
  blockAt,
  crypto,
  failure,
  newHost,
  newPrincipal,
  newWorld,
  text,
  type World
} from './sharing-fixture.ts'

async function collect(
  stream: AsyncGenerator<Uint8Array, unknown, undefined>
): Promise<{ chunks: Uint8Array[]; report: unknown }> {
  const chunks: Uint8Array[] = []
  for (;;) {
    const next = await stream.next()
    if (next.done === true) return { chunks, report: next.value }
    chunks.push(next.value)
  }
}

async function* stream(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks))
}

async function filled(): Promise<World> {
  const world = await newWorld()
  await world.files.makeDirectory(world.owner, '/d')
  await world.files.makeDirectory(world.owner, '/d/sub', { zone: true })
  await world.files.makeDirectory(world.owner, '/e')
  await world.files.create(world.owner, '/d/small', text('small'))
  await world.files.write(world.owner, '/d/small', 0, text('SMALL'))
  await world.files.create(world.owner, '/d/sub/big', crypto.random.bytes(700_000))
  await world.files.create(world.owner, '/e/other', crypto.random.bytes(10_000))
  await world.sharing.issueGrant(world.owner, { path: '/d/small', to: { principal: newPrincipal().record } })
  await world.sharing.makeCheckpoint(world.owner, await blockAt(world, '/d'))
  return world
}

describe('a bundle of everything', () => {
  test('makes another node hold the same tree, to the last sector', async () => {
    const world = await filled()
    const { chunks, report } = await collect(world.sharing.exportBundle(world.owner))
    expect(report).toMatchObject({ missingSectors: 0 })
    const host = await newHost(world, world.node)
    const taken = await host.sharing.importBundle(stream(chunks))
    expect(taken).toMatchObject({ refused: 0, parked: 0, unwanted: 0, reasons: [] })
    const [original, copy] = [
      await world.sharing.rootSummary({ sectors: 'read' }),
      await host.sharing.rootSummary({ sectors: 'read' })
    ]
    expect(copy.digest).toEqual(original.digest)
    expect(copy.missingSectors).toBe(0)
    const again = await host.sharing.importBundle(stream(chunks))
    expect(again).toMatchObject({ accepted: 0, refused: 0, sectors: 0 })
  })

  test('does not depend on how the stream is cut into chunks', async () => {
    const world = await filled()
    const { chunks } = await collect(world.sharing.exportBundle(world.owner))
    const all = joined(chunks)
    const host = await newHost(world, world.node)
    const pieces: Uint8Array[] = []
    for (let at = 0; at < all.length; at += 7919) pieces.push(all.slice(at, at + 7919))
    await host.sharing.importBundle(stream(pieces))
    expect((await host.sharing.rootSummary()).digest).toEqual((await world.sharing.rootSummary()).digest)
  })

  test('a changed tree has another digest', async () => {
    const world = await filled()
    const before = await world.sharing.rootSummary()
    await world.files.write(world.owner, '/d/small', 0, text('x'))
    expect((await world.sharing.rootSummary()).digest).not.toEqual(before.digest)
  })
})

describe('a bundle of a part', () => {
  test('holds what lies below the path, and the directories on the way', async () => {
    const world = await filled()
    const { chunks } = await collect(world.sharing.exportBundle(world.owner, { paths: ['/d'] }))
    const host = await newHost(world, world.node)
    const taken = await host.sharing.importBundle(stream(chunks))
    expect(taken).toMatchObject({ refused: 0, unwanted: 0 })
    expect(host.tree.blockSummary(await blockAt(world, '/d/sub/big'))).toBeDefined()
    expect(host.tree.blockSummary(await blockAt(world, '/e/other'))).toBeUndefined()
  })

  test('for a recipient holds only zones that it may read', async () => {
    const world = await filled()
    const bob = newPrincipal()
    await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: bob.record } })
    const { chunks } = await collect(world.sharing.exportBundle(world.owner, { to: bob.id }))
    const host = await newHost(world, bob)
    await host.sharing.importBundle(stream(chunks))
    expect(host.tree.blockSummary(await blockAt(world, '/d/sub/big'))).toBeDefined()
    expect(host.tree.blockSummary(await blockAt(world, '/e/other'))).toBeUndefined()
    const big = await blockAt(world, '/d/sub/big')
    const header = host.tree.blockState(big)?.winner
    expect(header && host.owner.canOpen(header.body)).toBe(true)
  })

  test('for a recipient holds what other members wrote, with those who signed it', async () => {
    const world = await filled()
    const { sharing, owner, files } = world
    const [bob, carol] = [newPrincipal(), newPrincipal()]
    for (const member of [bob, carol])
      await sharing.issueGrant(owner, { path: '/d', to: { principal: member.record } })
    await sharing.issueWriteCap(owner, { path: '/d', to: carol.id, rights: right.write | right.create })
    await files.create(files.actor(carol), '/d/hers', text('hers'))
    const { chunks } = await collect(sharing.exportBundle(owner, { paths: ['/d'], to: bob.id }))
    const host = await newHost(world, bob)
    expect(await host.sharing.importBundle(stream(chunks))).toMatchObject({ parked: 0, refused: 0 })
    expect(host.tree.blockSummary(await blockAt(world, '/d/hers'))?.heads).toHaveLength(1)
  })

  test('for a stranger holds no content at all; for a host without keys all of it', async () => {
    const world = await filled()
    const none = await collect(world.sharing.exportBundle(world.owner, { to: newPrincipal().id }))
    expect(none.report).toMatchObject({ sectors: 0 })
    const keeper = newPrincipal()
    await world.sharing.issueWriteCap(world.owner, { path: '/', to: keeper.record, rights: right.keep })
    const all = await collect(world.sharing.exportBundle(world.owner, { to: keeper.id }))
    expect(all.report).toMatchObject({ missingSectors: 0 })
    const host = await newHost(world, keeper)
    await host.sharing.importBundle(stream(all.chunks))
    expect((await host.sharing.rootSummary({ sectors: 'read' })).missingSectors).toBe(0)
  })
})

describe('a hostile bundle', () => {
  test('is refused when it is cut off or one byte is changed, and no throw but ours', async () => {
    const world = await newWorld()
    await world.files.create(world.owner, '/a', crypto.random.bytes(9000))
    const { chunks } = await collect(world.sharing.exportBundle(world.owner))
    const all = joined(chunks)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(all.length - 1),
        fc.boolean(),
        fc.integer({ min: 1, max: 255 }),
        async (at, isCut, flip) => {
          const bad = isCut ? all.slice(0, at) : all.slice()
          if (!isCut) bad[at] = (bad[at] ?? 0) ^ flip
          const host = await newHost(world, world.node)
          try {
            await host.sharing.importBundle(stream([bad]))
            expect.unreachable('a damaged bundle was taken as whole')
          } catch (error) {
            expect(error).toBeInstanceOf(FilesError)
            expect(error).toMatchObject({ code: 'ERR_BUNDLE_FORMAT' })
          }
        }
      ),
      { numRuns: 40 }
    )
  })

  test('of another tree is refused', async () => {
    const [world, other] = [await filled(), await filled()]
    const { chunks } = await collect(other.sharing.exportBundle(other.owner))
    expect(await failure(() => world.sharing.importBundle(stream(chunks)))).toBe('ERR_PATH_OTHER_TREE')
  })

  test('cannot fill the store with sectors that nothing refers to, or with wrong ones', async () => {
    const world = await newWorld()
    const encoder = new BundleEncoder(crypto)
    const bytes = crypto.random.bytes(4096)
    const chunks = [
      encoder.start(world.genesis.tree.id),
      encoder.frame({ kind: 'sector', reference: crypto.sha256(bytes), bytes }),
      encoder.frame({ kind: 'birth', bytes: crypto.random.bytes(90) }),
      encoder.frame({ kind: 'record', bytes: crypto.random.bytes(90), inline: undefined }),
      encoder.end()
    ]
    const report = await world.sharing.importBundle(stream(chunks))
    expect(report).toMatchObject({ accepted: 0, refused: 2, sectors: 0, unwanted: 1 })
    expect(world.store.hasSector(crypto.sha256(bytes))).toBe(false)
  })

  test('its decoder gives back what the encoder was given', () => {
    const encoder = new BundleEncoder(crypto)
    const frames = [
      { kind: 'birth' as const, bytes: text('birth') },
      { kind: 'record' as const, bytes: text('record'), inline: text('inline') },
      { kind: 'record' as const, bytes: text('record'), inline: undefined },
      { kind: 'sector' as const, reference: new Uint8Array(32).fill(1), bytes: text('sector') }
    ]
    const chunks = [
      encoder.start(new Uint8Array(32)),
      ...frames.map((frame) => encoder.frame(frame)),
      encoder.end()
    ]
    const decoder = new BundleDecoder(crypto)
    expect(chunks.flatMap((chunk) => decoder.push(chunk))).toEqual(frames)
    decoder.finish()
    expect(() => decoder.push(encoder.end())).toThrow(expect.objectContaining({ code: 'ERR_BUNDLE_FORMAT' }))
  })
})
