/** A summary in memory that is wrong for whatever reason is found out by comparing, and does not last until a restart. */
import { compareBytes, concatBytes } from '@blocktree/codec'
import { afterEach, describe, expect, test } from 'vitest'
import { type Cluster, startCluster } from './cluster.ts'
import type { ReplicaNode } from './replicas.ts'

let open: Cluster | undefined

afterEach(async () => {
  await open?.replicas.close()
  open = undefined
})

async function pair(name: string): Promise<Cluster> {
  open = await startCluster(name, 2, { blocks: 40 })
  await open.replicas.connectAll()
  await open.replicas.time.advance(5000)
  return open
}

function states({ nodes }: Cluster): readonly string[] {
  return nodes.flatMap(({ sync }) => sync.status.peers.map(({ state }) => state))
}

/** As no part of the program does: the row of some block goes, and nobody is told. */
async function loseRow({ store }: ReplicaNode, block: Uint8Array): Promise<void> {
  await store.commit({ rows: [{ key: concatBytes(new TextEncoder().encode('b'), block), value: undefined }] })
}

async function someBlock({ tree }: ReplicaNode): Promise<Uint8Array> {
  const blocks: Uint8Array[] = []
  for await (const { block } of tree.blockTips({ from: new Uint8Array(0) })) blocks.push(block)
  const [lowest] = blocks.toSorted(compareBytes)
  if (lowest === undefined) throw new Error('nothing is held')
  return lowest
}

describe('a wrong summary', () => {
  test('of a row that went unseen is corrected, told and counted', async () => {
    const world = await pair('went unseen')
    const { replicas, node } = world
    expect(states(world)).toEqual(['in step', 'in step'])
    const block = await someBlock(node(0))
    for (const each of world.nodes) await loseRow(each, block)
    expect(await node(1).sync.verifySummaries()).toHaveLength(1)
    node(1).sync.compare()
    await replicas.time.advance(120_000)
    expect(states(world)).toEqual(['in step', 'in step'])
    expect(world.nodes.map(({ sync }) => sync.status.summariesCorrected)).toEqual([1, 0])
    expect(node(0).notes.filter((note) => note.includes('made anew'))).toHaveLength(1)
  })

  test('is not looked for while what differs comes, and nothing is counted', async () => {
    const world = await pair('comes')
    const { replicas, fixture, node } = world
    await replicas.disconnectAll()
    for (const [index, each] of world.nodes.entries()) {
      const { first } = fixture.create(world.author(index), fixture.rootPlace)
      await each.tree.offer(fixture.offer([first]), { peer: 'test', from: 'host' })
    }
    await replicas.connectAll()
    await replicas.time.advance(60_000)
    expect(states(world)).toEqual(['in step', 'in step'])
    expect(world.nodes.map(({ sync }) => sync.status.summariesCorrected)).toEqual([0, 0])
    expect(await node(0).sync.verifySummaries()).toEqual([])
  })
})
