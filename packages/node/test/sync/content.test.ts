/** Content of files with stores on disk: what others keep is let go, its space is freed, and it is read all the same. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { systemTimers } from '@blocktree/network'
import { createMemoryNetwork } from '@blocktree/network/memory'
import { type Id, createEndpoint, listReferences, onDemandEndpoint } from '@blocktree/tree'
import { createNativeProvider } from '@blocktree/crypto/native'
import { markLiveSectors } from '../../src/live-sectors.ts'
import { withContent } from '../../src/sync/read-content.ts'
import { admit, connect, type DiskNode, newPrincipal, startDiskNode } from './disk-node.ts'

const hub = createMemoryNetwork({ timers: systemTimers, random: Math.random })
const crypto = createNativeProvider()
const known = new Map<string, Id>()
const nodes: DiskNode[] = []
let count = 0
const mebi = 1024 * 1024

afterEach(async () => {
  for (const node of nodes.splice(0)) {
    await node.stop()
    node.remove()
  }
})

async function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 60_000
  while (performance.now() < end) {
    if (await isTrue()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`not within a minute: ${what}`)
}

/** Two nodes that keep everything between them and one that keeps on demand. */
async function boxAndLaptop(cacheBytes: number, collects = true): Promise<readonly [DiskNode, DiskNode]> {
  count++
  const box = await startDiskNode({ name: `box${count}`, hub, known })
  nodes.push(box)
  const principal = newPrincipal()
  await admit(box, principal)
  const laptop = await startDiskNode({
    name: `laptop${count}`,
    hub,
    known,
    principal,
    tree: box.held.id,
    settings: { content: 'on-demand', cacheBytes },
    collects
  })
  nodes.push(laptop)
  const endpoint = createEndpoint(crypto, principal, {
    tree: box.held.id,
    transportKey: crypto.sha256(principal.id),
    addresses: [],
    notAfter: Date.now() + 86_400_000,
    sequence: 1,
    ext: onDemandEndpoint()
  })
  await box.held.tree.commitLocal({ records: [{ record: endpoint }] })
  return [box, laptop]
}

function content(seed: number): Uint8Array {
  return new Uint8Array(mebi).map((_, index) => (index * 7919 * (seed + 1)) >> 3)
}

function bytesOnDisk({ directory }: DiskNode): number {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.includes('segments'))
    .reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
}

async function readThrough(
  node: DiskNode,
  path: string,
  range: { readonly offset: number; readonly length: number } = { offset: 0, length: mebi }
): Promise<Uint8Array> {
  const { held, actor, sync } = node
  const version = (): Id => held.files.stat(actor, path).versionId
  const lazy = { loaded: () => Promise.resolve(sync) }
  return await withContent(
    lazy,
    held,
    version,
    AbortSignal.timeout(30_000),
    () => held.files.read(actor, path, range).bytes,
    range
  )
}

function cachedBytes({ sync }: DiskNode): number {
  return sync.status[0]?.status.contents.cachedBytes ?? 0
}

describe('a node that keeps on demand', () => {
  test('reads more than its cache holds, and its disk does not fill', async () => {
    const [box, laptop] = await boxAndLaptop(2 * mebi)
    const files = Array.from({ length: 12 }, (_, index) => `/film-${index}`)
    for (const [index, path] of files.entries())
      await box.held.files.writeStream(box.actor, path, [content(index)])
    await connect(laptop, box, known)
    await until(() => files.every((path) => laptop.held.files.exists(laptop.actor, path)), 'the names')
    for (const [index, path] of files.entries()) {
      expect(Buffer.compare(await readThrough(laptop, path), content(index))).toBe(0)
      await until(() => cachedBytes(laptop) <= 3.5 * mebi, 'room in the cache')
    }
    await until(() => bytesOnDisk(laptop) < 10 * mebi, 'space on the disk')
    expect(Buffer.compare(await readThrough(laptop, '/film-0'), content(0))).toBe(0)
    const { versionId } = laptop.held.files.stat(laptop.actor, '/film-0')
    expect(await laptop.sync.placeOf(laptop.held, versionId)).toBe('cached')
  })

  test('fetches of a large file what is read, and reads all of it through a cache that is smaller', async () => {
    const [box, laptop] = await boxAndLaptop(3 * mebi)
    const pieces = Array.from({ length: 16 }, (_, index) => content(index))
    await box.held.files.writeStream(box.actor, '/film', pieces)
    await connect(laptop, box, known)
    await until(() => laptop.held.files.exists(laptop.actor, '/film'), 'the name')
    const received = (): number => laptop.sync.status[0]?.status.sectorBytesReceived ?? 0
    const before = received()
    expect(await readThrough(laptop, '/film', { offset: 9 * mebi + 17, length: 1 })).toEqual(
      pieces[9]?.slice(17, 18)
    )
    expect(received() - before).toBeLessThan(mebi)
    const { versionId } = laptop.held.files.stat(laptop.actor, '/film')
    expect(await laptop.sync.placeOf(laptop.held, versionId)).toBe('absent')
    for (const [index, piece] of pieces.entries()) {
      const read = await readThrough(laptop, '/film', { offset: index * mebi, length: mebi })
      expect([index, Buffer.compare(read, piece)]).toEqual([index, 0])
      await until(() => cachedBytes(laptop) <= 4.5 * mebi, 'room in the cache')
    }
    await until(() => bytesOnDisk(laptop) < 12 * mebi, 'space on the disk')
  })

  test('fetches what it lacks when it keeps for others again', async () => {
    const [box, laptop] = await boxAndLaptop(4 * mebi)
    await box.held.files.writeStream(box.actor, '/film', [content(1)])
    await connect(laptop, box, known)
    await until(() => laptop.held.files.exists(laptop.actor, '/film'), 'the name')
    await laptop.stop()
    nodes.splice(nodes.indexOf(laptop), 1)
    const { principal, directory } = laptop
    const name = `again${count}`
    const again = await startDiskNode({ name, hub, known, principal, directory, tree: box.held.id })
    nodes.push(again)
    await connect(again, box, known)
    const { versionId } = again.held.files.stat(again.actor, '/film')
    const isKept = async (): Promise<boolean> => (await again.sync.placeOf(again.held, versionId)) === 'kept'
    await until(isKept, 'the content')
  })

  test('says who was asked, or that nobody is there, when content cannot be had', async () => {
    const [box, laptop] = await boxAndLaptop(4 * mebi)
    await box.held.files.writeStream(box.actor, '/film', [content(1)])
    await connect(laptop, box, known)
    await until(() => laptop.held.files.exists(laptop.actor, '/film'), 'the name')
    for (const connection of laptop.connections) void connection.close('gone')
    await until(() => !laptop.sync.hasPeers, 'the box is gone')
    await expect(readThrough(laptop, '/film')).rejects.toMatchObject({
      code: 'ERR_FILE_ELSEWHERE',
      message: expect.stringContaining('no node that may have it is connected') as string
    })
  })
})

describe('a collection of garbage', () => {
  test('keeps content that is taken back while it runs', async () => {
    const [box, laptop] = await boxAndLaptop(2.5 * mebi, false)
    const paths = ['/one', '/two', '/three', '/four']
    for (const [index, path] of paths.entries())
      await box.held.files.writeStream(box.actor, path, [content(index)])
    await connect(laptop, box, known)
    await until(() => paths.every((path) => laptop.held.files.exists(laptop.actor, path)), 'the names')
    for (const path of paths) await readThrough(laptop, path)
    await until(() => cachedBytes(laptop) <= 2.5 * mebi, 'some are let go')
    const { store, tree, files } = laptop.held
    const signal = new AbortController().signal
    const live = await markLiveSectors({ store, tree, crypto }, { signal })
    const isLetGo = async (path: string): Promise<boolean> =>
      (await laptop.sync.placeOf(laptop.held, files.stat(laptop.actor, path).versionId)) === 'absent'
    const gone = (await Promise.all(paths.map(isLetGo))).indexOf(true)
    const path = paths[gone] ?? ''
    const before = laptop.sync.status[0]?.status.sectorBytesReceived
    expect(Buffer.compare(await readThrough(laptop, path), content(gone))).toBe(0)
    const report = await store.collect(live.ids(), { minimumLive: 1 })
    live.close()
    expect(report.removedSegments).toBeGreaterThan(0)
    const payload = tree.header(files.stat(laptop.actor, path).versionId)?.body.payload
    if (payload === undefined) throw new Error('no content')
    const parts = [...listReferences(payload, (id) => store.readSector(id))]
    expect(parts.every(({ hash }) => store.hasSector(hash))).toBe(true)
    // nothing had to be fetched again: it was still here
    expect(laptop.sync.status[0]?.status.sectorBytesReceived).toBe(before)
  })
})
