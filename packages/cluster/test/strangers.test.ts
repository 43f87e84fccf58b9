/** What somebody without any right may ask, method by method, and how often. */
import type { Connection } from '@blocktree/network'
import { afterEach, describe, expect, test } from 'vitest'
import { introduce, takeIntroductions } from '../src/index.ts'
import { type TestCluster, type TestNode, addressOf, createTestCluster } from './cluster-fixture.ts'
import { treeId } from './principals.ts'

const open: TestCluster[] = []
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

async function newVictim(): Promise<{ cluster: TestCluster; victim: TestNode; taken: () => number }> {
  const cluster = createTestCluster()
  open.push(cluster)
  const victim = await cluster.node('victim')
  await victim.desk.invite({ path: '/', read: true, rights: 0, isApproved: true, name: '' })
  let taken = 0
  const { router, standings } = victim
  takeIntroductions(
    router,
    async () => {
      taken += 1
      return []
    },
    () => undefined,
    {
      timers: cluster.time,
      standing: {
        standingOf: (id) => standings.get(id.toHex()) ?? 'stranger',
        standingIn: () => 'stranger',
        share: () => false,
        members: () => []
      }
    }
  )
  return { cluster, victim, taken: () => taken }
}

async function codeOf(cluster: TestCluster, asking: Promise<unknown>): Promise<unknown> {
  return await cluster.time.until(
    asking.then(
      () => 'answered',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'other')
    )
  )
}

describe('a stranger', () => {
  test('is refused every method but those by which it may cease to be one', async () => {
    const { cluster, victim } = await newVictim()
    const stranger = await cluster.node('stranger')
    const { connection } = await cluster.time.until(stranger.directory.dial(addressOf(victim)))
    const nothing = new Uint8Array(0)
    const ask = (method: string): Promise<unknown> => codeOf(cluster, connection.request(method, nothing))
    expect(await ask('cluster.addresses')).toBe('ERR_METHOD_FORBIDDEN')
    expect(await ask('cluster.message')).toBe('ERR_METHOD_FORBIDDEN')
    expect(await ask('cluster.hello')).toBe('ERR_METHOD_UNKNOWN') // once is enough
    for (const method of ['node.invite', 'node.approve', 'node.remove', 'session.as', 'fs.read'])
      expect(await ask(method)).toBe('ERR_METHOD_UNKNOWN') // commands of a node are for its own socket
    expect(await ask('cluster.join')).toBe('ERR_METHOD_FORMAT')
    expect(await ask('cluster.introduce')).toBe('ERR_METHOD_FORMAT')
    const records = Array.fromAsync(connection.pull('cluster.join.records', new Uint8Array(8)))
    expect(await codeOf(cluster, records)).toBe('ERR_INVITATION_REFUSED')
  })

  test('cannot put itself into the address book, nor others', async () => {
    const { cluster, victim } = await newVictim()
    const stranger = await cluster.node('stranger')
    const { connection } = await cluster.time.until(stranger.directory.dial(addressOf(victim)))
    connection.notify('cluster.address', new Uint8Array([0x92, 1, 0x90]))
    await cluster.time.advance(1000)
    expect(victim.book.entries()).toHaveLength(0)
  })

  test('takes up one of 32 places, and members come in though all are taken', async () => {
    const { cluster, victim } = await newVictim()
    const held: Connection[] = []
    for (let count = 0; count < 32; count++) {
      const one = await cluster.node(`stranger${count}`)
      held.push((await cluster.time.until(one.directory.dial(addressOf(victim)))).connection)
    }
    const late = await cluster.node('late')
    expect(await codeOf(cluster, late.directory.dial(addressOf(victim)))).not.toBe('answered')
    const friend = await cluster.node('friend')
    await cluster.befriend([victim, friend])
    await cluster.time.advance(5000)
    expect(victim.directory.find(friend.principal.id)).toBeDefined()
    await cluster.time.advance(125_000) // those who do not join are sent away, and others may come
    expect(await codeOf(cluster, late.directory.dial(addressOf(victim)))).toBe('answered')
  })
})

describe('strangers together', () => {
  test('introduce themselves at a bounded rate; a member is not held up by them', async () => {
    const { cluster, victim, taken } = await newVictim()
    const offer = { tree: treeId, births: [], records: [] }
    const codes: unknown[] = []
    for (let count = 0; count < 12; count++) {
      const stranger = await cluster.node(`stranger${count}`)
      const peer = await cluster.time.until(stranger.directory.dial(addressOf(victim)))
      for (let again = 0; again < 8; again++) codes.push(await codeOf(cluster, introduce(peer, offer)))
    }
    expect(codes).toContain('ERR_METHOD_RATE')
    expect(taken()).toBeLessThan(80)
    const member = await cluster.node('member')
    victim.standings.set(member.principal.id.toHex(), 'member')
    const peer = await cluster.time.until(member.directory.dial(addressOf(victim)))
    expect(await codeOf(cluster, introduce(peer, offer))).toBe('answered')
  })
})
