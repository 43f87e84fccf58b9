/** Replication between nodes with real stores on disk, over the network in memory: files, names, promises, restarts. */
import { afterEach, describe, expect, test } from 'vitest'
import { systemTimers } from '@blocktree/network'
import { createMemoryNetwork } from '@blocktree/network/memory'
import type { Id } from '@blocktree/tree'
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

/** Two nodes of one owner, the second with nothing but the id of the tree. */
async function pair(): Promise<readonly [DiskNode, DiskNode]> {
  count++
  const first = await startDiskNode({ name: `first${count}`, hub, known })
  nodes.push(first)
  const principal = newPrincipal()
  await admit(first, principal)
  const second = await startDiskNode({ name: `second${count}`, hub, known, principal, tree: first.held.id })
  nodes.push(second)
  return [first, second]
}

async function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 15_000
  while (performance.now() < end) {
    if (await isTrue()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`not within 15 s: ${what}`)
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content)

function reads({ held, actor }: DiskNode, path: string): string | undefined {
  try {
    return new TextDecoder().decode(held.files.read(actor, path).bytes)
  } catch {
    return undefined
  }
}

describe('two nodes of one owner', () => {
  test('files of one are read on the other by their paths, in both directions', async () => {
    const [first, second] = await pair()
    await first.held.files.makeDirectory(first.actor, '/documents')
    await first.held.files.create(first.actor, '/documents/letter.txt', text('hello'))
    await connect(second, first, known)
    await until(() => reads(second, '/documents/letter.txt') === 'hello', 'the letter arrives')
    await second.held.files.create(second.actor, '/documents/answer.txt', text('thanks'))
    await until(() => reads(first, '/documents/answer.txt') === 'thanks', 'the answer arrives')
    await first.held.files.write(first.actor, '/documents/answer.txt', 0, text('THANKS'))
    await until(() => reads(second, '/documents/answer.txt') === 'THANKS', 'the change arrives')
  })

  test('large content arrives whole, and a promise says so', async () => {
    const [first, second] = await pair()
    await connect(second, first, known)
    const content = new Uint8Array(3_000_000).map((_, index) => (index * 7919) >> 3)
    const { versionId } = await first.held.files.writeStream(first.actor, '/large.bin', [content])
    const report = await first.sync.waitFor(first.held, [versionId], { copies: 2, timeoutMs: 15_000 })
    expect(report).toMatchObject({ kept: 2, of: 2 })
    expect(second.held.files.read(second.actor, '/large.bin', { length: 3_000_000 }).bytes).toEqual(content)
    expect(await first.sync.promises(first.held, versionId)).toHaveLength(1)
  })

  test('content that is fetched on demand is there after it was asked for', async () => {
    count++
    const first = await startDiskNode({ name: `first${count}`, hub, known })
    nodes.push(first)
    const principal = newPrincipal()
    await admit(first, principal)
    const settings = { content: 'on-demand' } as const
    const second = await startDiskNode({
      name: `second${count}`,
      hub,
      known,
      principal,
      tree: first.held.id,
      settings
    })
    nodes.push(second)
    const content = new Uint8Array(500_000).map((_, index) => (index * 7919) >> 3)
    const { versionId } = await first.held.files.writeStream(first.actor, '/large.bin', [content])
    await connect(second, first, known)
    await until(() => second.held.files.exists(second.actor, '/large.bin'), 'the header arrives')
    expect(reads(second, '/large.bin')).toBeUndefined()
    expect(await second.sync.fetchContent(second.held, versionId, AbortSignal.timeout(5000))).toBe(true)
    expect(second.held.files.read(second.actor, '/large.bin', { length: 500_000 }).bytes).toEqual(content)
  })

  test('a node that was away catches up, and its saved summary is still right', async () => {
    const [first, second] = await pair()
    await connect(second, first, known)
    await first.held.files.create(first.actor, '/before.txt', text('before'))
    await until(() => reads(second, '/before.txt') === 'before', 'the first file arrives')
    await second.stop()
    nodes.splice(nodes.indexOf(second), 1)
    for (let file = 0; file < 20; file++)
      await first.held.files.create(first.actor, `/while-${file}.txt`, text(`away ${file}`))
    const { principal, directory } = second
    const back = await startDiskNode({
      name: `back${count}`,
      hub,
      known,
      principal,
      directory,
      tree: first.held.id
    })
    nodes.push(back)
    await connect(back, first, known)
    await until(() => reads(back, '/while-19.txt') === 'away 19', 'the last file arrives')
    for (let file = 0; file < 20; file++) expect(reads(back, `/while-${file}.txt`)).toBe(`away ${file}`)
    await until(() => back.sync.status[0]?.status.peers[0]?.state === 'in step', 'they are in step')
  })

  test('what a node wrote before it was removed is found by its path on a node that joins later', async () => {
    const [first, removed] = await pair()
    await connect(removed, first, known)
    await first.held.files.create(first.actor, '/first.txt', text('first'))
    await until(() => reads(removed, '/first.txt') === 'first', 'the file arrives')
    await removed.held.files.create(removed.actor, '/legacy.txt', text('legacy'))
    await until(() => reads(first, '/legacy.txt') === 'legacy', 'the other file arrives')
    for (const { cap } of first.held.sharing.listCaps(first.actor))
      if (Buffer.from(cap.body.subject).equals(removed.principal.id))
        await first.held.sharing.revokeCap(first.actor, cap.id)
    const principal = newPrincipal()
    await admit(first, principal)
    const later = await startDiskNode({ name: `later${count}`, hub, known, principal, tree: first.held.id })
    nodes.push(later)
    await connect(later, first, known)
    await until(() => reads(later, '/first.txt') === 'first', 'what the first wrote')
    await until(() => reads(later, '/legacy.txt') === 'legacy', 'what the removed one wrote')
  })

  test('a node without a right gets nothing', async () => {
    const [first] = await pair()
    await first.held.files.create(first.actor, '/secret.txt', text('secret'))
    const outsider = await startDiskNode({ name: `outsider${count}`, hub, known, tree: first.held.id })
    nodes.push(outsider)
    await connect(outsider, first, known)
    await until(() => outsider.sync.status[0]?.status.peers[0]?.state === 'forbidden', 'it is turned away')
    expect(outsider.held.tree.statistics().records).toBe(0)
  })
})
