/** A node that was let in and is removed, or holds rights and lies: what is open ends at once, and it does not come back. */
import { equalBytes } from '@blocktree/codec'
import { afterEach, describe, expect, test } from 'vitest'
import { type InvitationTerms, fingerprintOf, helloPurpose, join } from '../src/index.ts'
import { joinRecordsMethod } from '../src/invitation-desk.ts'
import { invitationId } from '../src/join-message.ts'
import {
  type TestCluster,
  type TestNode,
  addressOf,
  createTestCluster,
  isClosedSoon
} from './cluster-fixture.ts'
import { crypto, newEndpoint, treeId } from './principals.ts'

const open: TestCluster[] = []
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

async function members(...names: readonly string[]): Promise<{ cluster: TestCluster; nodes: TestNode[] }> {
  const cluster = createTestCluster()
  open.push(cluster)
  const nodes: TestNode[] = []
  for (const name of names) nodes.push(await cluster.node(name))
  await cluster.befriend(nodes)
  await cluster.time.advance(10_000)
  return { cluster, nodes }
}

function pick(nodes: readonly TestNode[], index: number): TestNode {
  const node = nodes[index]
  if (node === undefined) throw new RangeError(`no node ${index}`)
  return node
}

describe('a removed node', () => {
  test('is disconnected as soon as its rights are seen to have ended; members stay connected', async () => {
    const { cluster, nodes } = await members('owner', 'box', 'stolen')
    const [owner, box, stolen] = [pick(nodes, 0), pick(nodes, 1), pick(nodes, 2)]
    const there = stolen.directory.find(owner.principal.id)?.connection
    if (there === undefined) throw new Error('not connected')
    owner.standings.delete(stolen.principal.id.toHex())
    owner.directory.refresh()
    await cluster.time.advance(500)
    expect(await isClosedSoon(cluster.time, there)).toBe(true)
    expect(owner.directory.find(box.principal.id)).toBeDefined()
  })

  test('is refused at the hello when it comes again, though strangers may connect, and tries less and less often', async () => {
    const { cluster, nodes } = await members('owner', 'box', 'stolen')
    const [owner, box, stolen] = [pick(nodes, 0), pick(nodes, 1), pick(nodes, 2)]
    for (const node of [owner, box]) {
      node.standings.delete(stolen.principal.id.toHex())
      node.ended.add(stolen.principal.id.toHex())
      node.directory.refresh()
    }
    let seen = 0
    owner.directory.onPeer(({ principal }, state) => {
      if (state === 'connected' && equalBytes(principal, stolen.principal.id)) seen += 1
    })
    await cluster.time.advance(120_000)
    expect(seen).toBe(0)
    expect(box.directory.find(stolen.principal.id)).toBeUndefined()
    expect(stolen.directory.peers()).toEqual([])
    const told = stolen.directory.refusing.map((id) => id.toHex())
    expect(told.toSorted()).toEqual([owner, box].map(({ principal }) => principal.id.toHex()).toSorted())
    expect(box.directory.refusing).toEqual([])
    await expect(cluster.time.until(stolen.directory.dial(addressOf(owner)))).rejects.toMatchObject({
      code: 'ERR_PEER_REFUSED'
    })
    const joining = stolen.directory.dial(addressOf(owner), { purpose: helloPurpose.join })
    expect((await cluster.time.until(joining)).principal).toEqual(owner.principal.id) // it may be invited anew
  })

  test('gets no further chunk of a stream that was under way', async () => {
    const { cluster, nodes } = await members('owner', 'stolen')
    const [owner, stolen] = [pick(nodes, 0), pick(nodes, 1)]
    owner.router.onStream('test.endless', { audience: 'member', bodyBytesMax: 8 }, async function* () {
      for (;;) {
        yield new Uint8Array(1024)
        await new Promise<void>((resolve) => void cluster.time.start(100, resolve))
      }
    })
    const connection = stolen.directory.find(owner.principal.id)?.connection
    let chunks = 0
    const pulling = (async () => {
      for await (const _ of connection?.pull('test.endless', new Uint8Array(0)) ?? []) chunks += 1
    })()
    const ended = pulling.then(
      () => 'whole',
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'other')
    )
    await cluster.time.advance(1000)
    expect(chunks).toBeGreaterThan(3)
    owner.standings.delete(stolen.principal.id.toHex()) // nobody has looked at its connections yet
    const before = chunks
    expect(await cluster.time.until(ended)).toBe('ERR_METHOD_FORBIDDEN')
    expect(chunks - before).toBeLessThanOrEqual(1)
  })

  test('does not come in again by the code that it used', async () => {
    const cluster = createTestCluster()
    open.push(cluster)
    const owner = await cluster.node('owner')
    const box = await cluster.node('box')
    const terms: InvitationTerms = { path: '/', read: true, rights: 32, isApproved: true, name: 'box' }
    const { secret } = await owner.desk.invite(terms)
    await owner.desk.invite(terms) // another one is open: strangers may connect
    const code = {
      secret,
      transportKey: owner.network.localKey,
      fingerprint: fingerprintOf(crypto, owner.principal.id, treeId),
      addresses: [addressOf(owner).address]
    }
    const attempt = async (): Promise<unknown> => {
      const peer = await cluster.time.until(
        box.directory.dial(addressOf(owner), { purpose: helloPurpose.join })
      )
      const line = `request of ${box.principal.id.toHex()}`
      const localKey = box.network.localKey
      const joining = join({ crypto, code, peer, localKey, principal: box.principal.id, line, name: 'box' })
      return await cluster.time.until(joining)
    }
    await expect(attempt()).resolves.toMatchObject({ tree: treeId })
    owner.standings.delete(box.principal.id.toHex())
    owner.directory.refresh()
    owner.directory.disconnect(box.principal.id, 'removed')
    await owner.desk.forget(box.principal.id)
    await cluster.time.advance(10_000)
    await expect(attempt()).rejects.toMatchObject({ code: 'ERR_INVITATION_REFUSED' })
    const peer = await cluster.time.until(box.directory.dial(addressOf(owner)))
    const records = peer.connection.pull(joinRecordsMethod, invitationId(crypto, secret))
    await expect(cluster.time.until(Array.fromAsync(records))).rejects.toMatchObject({
      code: 'ERR_INVITATION_REFUSED'
    })
    expect(owner.standings.has(box.principal.id.toHex())).toBe(false)
    expect(owner.invitations.size).toBe(1)
  })
})

describe('a member that lies', () => {
  test('about its transport key does not become the node whose key that is', async () => {
    const { cluster, nodes } = await members('a', 'victim', 'liar')
    const [a, victim, liar] = [pick(nodes, 0), pick(nodes, 1), pick(nodes, 2)]
    a.directory.disconnect(liar.principal.id, 'test')
    await cluster.time.advance(100)
    await cluster.time.until(liar.directory.close())
    const { address, key } = addressOf(victim)
    await a.book.learn(
      liar.principal.record,
      newEndpoint(liar.principal, { transportKey: key, addresses: [address], sequence: 2 })
    )
    await expect(cluster.time.until(a.directory.connect(liar.principal.id), 60_000)).rejects.toMatchObject({
      code: 'ERR_PEER_UNREACHABLE'
    })
    const toVictim = await cluster.time.until(a.directory.connect(victim.principal.id))
    expect(toVictim.principal).toEqual(victim.principal.id) // and that connection was not ended for it
  })
})

describe('members of different trees of one host', () => {
  test('learn nothing of each other from it', async () => {
    const cluster = createTestCluster()
    open.push(cluster)
    const [host, mine, theirs] = [
      await cluster.node('host'),
      await cluster.node('mine'),
      await cluster.node('theirs')
    ]
    const ids = [mine.principal.id.toHex(), theirs.principal.id.toHex()]
    host.apart.add(ids.toSorted().join())
    await cluster.befriend([host, mine])
    await cluster.time.advance(5000)
    await cluster.befriend([host, theirs])
    // Each would take the other one for a member, if it were told of it.
    mine.standings.set(theirs.principal.id.toHex(), 'member')
    theirs.standings.set(mine.principal.id.toHex(), 'member')
    await cluster.time.advance(30_000)
    expect(host.directory.peers()).toHaveLength(2)
    expect(theirs.book.entry(mine.principal.id)).toBeUndefined()
    expect(mine.book.entry(theirs.principal.id)).toBeUndefined()
  })
})
