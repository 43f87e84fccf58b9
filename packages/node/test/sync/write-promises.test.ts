/** What writes say of their copies, over real stores on disk and the network in memory. */
import { afterEach, describe, expect, test } from 'vitest'
import { systemTimers } from '@blocktree/network'
import { createMemoryNetwork } from '@blocktree/network/memory'
import type { Id } from '@blocktree/tree'
import { type StatedPromise, type WaitChoice, WritePromises } from '../../src/sync/write-promises.ts'
import { admit, connect, type DiskNode, newPrincipal, startDiskNode } from './disk-node.ts'

const hub = createMemoryNetwork({ timers: systemTimers, random: Math.random })
const known = new Map<string, Id>()
const nodes: DiskNode[] = []
let count = 0

afterEach(async () => {
  for (const node of nodes.splice(0)) {
    await node.stop()
    node.remove()
  }
})

async function start(
  more: { readonly principal?: DiskNode['principal']; readonly tree?: Id } = {}
): Promise<DiskNode> {
  const node = await startDiskNode({ name: `writer${++count}`, hub, known, ...more })
  nodes.push(node)
  return node
}

/** One that is let in, and not connected yet. */
async function startMember(owner: DiskNode): Promise<DiskNode> {
  const principal = newPrincipal()
  await admit(owner, principal)
  return await start({ principal, tree: owner.held.id })
}

async function inStep(node: DiskNode, peers: number): Promise<void> {
  const end = performance.now() + 30_000
  for (;;) {
    const states = node.sync.status[0]?.status.peers.map(({ state }) => state) ?? []
    if (states.length === peers && states.every((state) => state === 'in step')) return
    if (performance.now() > end) throw new Error(`not in step within 30 s: ${states.join()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function promisesOf(node: DiskNode, onLoad = (): void => undefined): WritePromises {
  const get = (): Promise<DiskNode['sync']> => {
    onLoad()
    return Promise.resolve(node.sync)
  }
  return new WritePromises({ sync: { get }, principals: { node: node.actor } })
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content)

async function create(
  node: DiskNode,
  path: string,
  wait?: WaitChoice,
  promises = promisesOf(node)
): Promise<StatedPromise> {
  const { held, actor } = node
  const write = { held, actor, wait, signal: new AbortController().signal }
  const run = (): ReturnType<typeof held.files.create> => held.files.create(actor, path, text(path))
  return (await promises.stated(write, run, ({ block }) => block)).promise
}

describe('a write of a node that is alone', () => {
  test('is on the one node there is, and loads nothing', async () => {
    const node = await start()
    const promises = promisesOf(node, () => {
      throw new Error('replication was loaded')
    })
    const expected = { kept: 1, of: 1, wanted: 1, isPending: false }
    expect(await create(node, '/a', undefined, promises)).toEqual(expected)
    expect(await create(node, '/b', { copies: 'all' }, promises)).toEqual({ ...expected, isReached: true })
  })

  test('says at once that nobody else will promise it, and stays', async () => {
    const node = await start()
    const promise = await create(node, '/a', { copies: 2, timeoutMs: 3_600_000 })
    expect(promise).toEqual({ kept: 1, of: 1, wanted: 1, isPending: false, isReached: false })
    expect(node.held.files.exists(node.actor, '/a')).toBe(true)
  })
})

describe('a write with other nodes', () => {
  test('says where it is when it is answered, and waits for promises when asked to', async () => {
    const first = await start()
    const second = await startMember(first)
    await connect(second, first, known)
    await inStep(first, 1)
    expect(await create(first, '/a')).toEqual({ kept: 1, of: 2, wanted: 2, isPending: false })
    const reached = { kept: 2, of: 2, wanted: 2, isPending: false, isReached: true }
    expect(await create(first, '/b', { copies: 2 })).toEqual(reached)
    expect(await create(first, '/c', { copies: 'all' })).toEqual(reached)
    expect(second.held.files.exists(second.actor, '/c')).toBe(true)
  })

  test('waits for all that it wrote, also for what it removed', async () => {
    const first = await start()
    const second = await startMember(first)
    await connect(second, first, known)
    await inStep(first, 1)
    const { held, actor } = first
    const stated = async (run: () => Promise<unknown>): Promise<StatedPromise> => {
      const write = { held, actor, wait: { copies: 'all' }, signal: new AbortController().signal } as const
      const directory = held.files.stat(actor, '/').block
      return (await promisesOf(first).stated(write, run, () => directory)).promise
    }
    const made = await stated(async () => {
      await held.files.makeDirectory(actor, '/many')
      for (let file = 0; file < 30; file++)
        await held.files.create(actor, `/many/${file}`, text(`file ${file}`))
    })
    expect(made).toMatchObject({ kept: 2, isReached: true })
    expect(second.held.files.exists(second.actor, '/many/29')).toBe(true)
    const removed = await stated(() => held.files.remove(actor, '/many', { recursive: true }))
    expect(removed).toMatchObject({ kept: 2, isReached: true })
    expect(second.held.files.exists(second.actor, '/many')).toBe(false)
  })

  test('says that it is pending while no majority can be reached, and that more were waited for in vain', async () => {
    const first = await start()
    const second = await startMember(first)
    await connect(second, first, known)
    await inStep(first, 1)
    for (const connection of [...first.connections]) await connection.close()
    await inStep(first, 0)
    expect(await create(first, '/a')).toEqual({ kept: 1, of: 2, wanted: 2, isPending: true })
    const missed = await create(first, '/b', { copies: 2, timeoutMs: 20 })
    expect(missed).toEqual({ kept: 1, of: 2, wanted: 2, isPending: true, isReached: false })
    expect(first.held.files.exists(first.actor, '/b')).toBe(true)
    await connect(second, first, known)
    await inStep(second, 1)
    expect(second.held.files.exists(second.actor, '/b')).toBe(true)
    expect(await create(first, '/c', { copies: 2 })).toMatchObject({ isPending: false, isReached: true })
  })

  test('is pending before anybody was ever connected, and not while two of three see each other', async () => {
    const first = await start()
    const second = await startMember(first)
    await startMember(first)
    expect(await create(first, '/a')).toEqual({ kept: 1, of: 3, wanted: 3, isPending: true })
    await connect(second, first, known)
    await inStep(first, 1)
    expect(await create(first, '/b')).toEqual({ kept: 1, of: 3, wanted: 3, isPending: false })
    const two = await create(first, '/c', { copies: 2 })
    expect(two).toMatchObject({ kept: 2, of: 3, isReached: true })
  })

  test('wants what the policy of its directory asks for', async () => {
    const first = await start()
    const second = await startMember(first)
    await connect(second, first, known)
    await first.held.files.makeDirectory(first.actor, '/once')
    await first.held.files.setKeepPolicy(first.actor, '/once', { kind: 'copies', copies: 1 })
    await inStep(first, 1)
    expect(await create(first, '/once/a')).toMatchObject({ of: 2, wanted: 1 })
    expect(await create(first, '/once/b', { copies: 'all' })).toMatchObject({ isReached: true })
    expect(await create(first, '/twice')).toMatchObject({ of: 2, wanted: 2 })
  })
})
