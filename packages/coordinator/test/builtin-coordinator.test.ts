import { describe, expect, it } from 'vitest'
import { BuiltinCoordinator } from '../src/builtin-coordinator.ts'
import { encodeCommand } from '../src/command.ts'
import { encodeQuestion } from '../src/link.ts'
import { MemoryRaftStorage, createMemoryLinks } from '../src/memory.ts'
import { nothingStored } from '../src/raft/storage.ts'
import { VirtualCluster } from './virtual-cluster.ts'

const three = ['ann', 'bob', 'cas']
const lock = { ttlMs: 2000, waitMs: 10_000 }

describe('members without a vote', () => {
  it('follow and lock like the others, and are not counted', async () => {
    const cluster = new VirtualCluster(1)
    for (const name of ['bob', 'cas']) cluster.voteless.add(name)
    for (const name of three) await cluster.start(name, name === 'ann')
    for (const name of ['bob', 'cas', 'dan', 'eve']) {
      if (!cluster.running.has(name)) await cluster.start(name)
      await cluster.time.until(cluster.member('ann').addMember(name))
    }
    await cluster.time.advance(20_000)
    const { voters, learners } = cluster.member('ann').status()
    expect(voters.toSorted()).toEqual(['ann', 'dan', 'eve'])
    expect(learners.toSorted()).toEqual(['bob', 'cas'])
    expect((await cluster.time.until(cluster.member('bob').acquire('a', lock))).token).toBeGreaterThan(0)
    await cluster.close()
  })
})

describe('losing members', () => {
  it('has a new leader and writes again within 3 s of the death of the old one', async () => {
    const cluster = await VirtualCluster.of(three)
    const former = await cluster.untilLeader()
    const killedAt = cluster.time.now()
    cluster.crash(former)
    const survivor = cluster.member(three.find((name) => name !== former) ?? '')
    await cluster.time.until(survivor.nextSequence('n'))
    expect(cluster.time.now() - killedAt).toBeLessThan(3000)
    await cluster.close()
  })

  it('has one within 6 s also when nobody is told', async () => {
    const cluster = await VirtualCluster.of(three)
    const former = await cluster.untilLeader()
    const others = three.filter((name) => name !== former)
    const cutAt = cluster.time.now()
    cluster.links.partition([former], others)
    const numbers = cluster
      .member(others[0] ?? '')
      .nextSequence('n')
      .catch(() => 0)
    await cluster.time.until(numbers)
    expect(await cluster.time.until(cluster.member(others[0] ?? '').nextSequence('n'))).toBeGreaterThan(0)
    expect(cluster.time.now() - cutAt).toBeLessThan(6000)
    expect(cluster.member(former).status().role).not.toBe('leader')
    await cluster.close()
  })

  it('says that there is no majority instead of answering from a minority', async () => {
    const cluster = await VirtualCluster.of(three)
    const leader = await cluster.untilLeader()
    cluster.links.partition(
      [leader],
      three.filter((name) => name !== leader)
    )
    const alone = cluster.member(leader)
    await expect(cluster.time.until(alone.nextSequence('n'))).rejects.toMatchObject({
      code: 'ERR_COORDINATOR_NO_MAJORITY'
    })
    await expect(cluster.time.until(alone.holder('a'))).rejects.toMatchObject({
      code: 'ERR_COORDINATOR_NO_MAJORITY'
    })
    await cluster.close()
  })

  it('ends the lease of a holder that was cut off before somebody else gets the lock', async () => {
    const cluster = await VirtualCluster.of(three)
    const leader = await cluster.untilLeader()
    const [holder = '', other = ''] = three.filter((name) => name !== leader)
    const lease = await cluster.time.until(cluster.member(holder).acquire('a', lock))
    cluster.links.partition([holder], [leader, other])
    const next = await cluster.time.until(cluster.member(other).acquire('a', lock))
    expect(lease.ended.aborted).toBe(true)
    expect(next.token).toBeGreaterThan(lease.token)
    await cluster.close()
  })

  it('gives one token to one of two that wait on a member which hears late of both', async () => {
    const cluster = await VirtualCluster.of(three)
    const leader = await cluster.untilLeader()
    const [waiting = '', third = ''] = three.filter((name) => name !== leader)
    const held = await cluster.time.until(cluster.member(leader).acquire('a', lock))
    const queued = { ttlMs: 1000, waitMs: 60_000 }
    const leases = [1, 2].map(() => cluster.member(waiting).acquire('a', queued))
    await cluster.time.advance(200)
    cluster.links.partition([waiting], [leader, third])
    await cluster.time.until(held.release())
    await cluster.time.advance(1500) // the first one's time passes unheard, the second one's begins
    cluster.links.heal()
    const [left, right] = await cluster.time.until(
      Promise.all(
        leases.map(async (given) => {
          const lease = await given
          await lease.release()
          return lease.token
        })
      )
    )
    expect(left).not.toBe(right)
    await cluster.close()
  })

  it('a member that was cut off does not unseat the leader when it is back', async () => {
    const cluster = await VirtualCluster.of(three)
    const leader = await cluster.untilLeader()
    const { term } = cluster.member(leader).status()
    const away = three.find((name) => name !== leader) ?? ''
    cluster.links.partition(
      [away],
      three.filter((name) => name !== away)
    )
    await cluster.time.advance(60_000)
    cluster.links.heal()
    await cluster.time.advance(10_000)
    expect(cluster.member(away).status()).toMatchObject({ leader, term })
    await cluster.close()
  })

  it('hands leadership on when the leader is closed', async () => {
    const cluster = await VirtualCluster.of(three)
    const former = await cluster.untilLeader()
    const closing = cluster.member(former)
    cluster.running.delete(former)
    const closedAt = cluster.time.now()
    await cluster.time.until(closing.close())
    const leader = await cluster.untilLeader()
    expect(leader).not.toBe(former)
    expect(cluster.time.now() - closedAt).toBeLessThan(700)
    await cluster.close()
  })
})

describe('members', () => {
  it('two never vote: the second follows until there is a third', async () => {
    const cluster = await VirtualCluster.of(['ann', 'bob'])
    expect(cluster.member('ann').status()).toMatchObject({ voters: ['ann'], learners: ['bob'] })
    await cluster.start('cas')
    await cluster.time.until(cluster.member('bob').addMember('cas'))
    await cluster.time.advance(5000)
    expect(cluster.member('cas').status().voters.toSorted()).toEqual(three)
    await cluster.close()
  })

  it('that were removed have no vote, no session and no locks any more', async () => {
    const cluster = await VirtualCluster.of(three)
    const leader = await cluster.untilLeader()
    const [removed = '', other = ''] = three.filter((name) => name !== leader)
    await cluster.time.until(cluster.member(removed).acquire('a', { ttlMs: 3_600_000, waitMs: 0 }))
    await cluster.time.until(cluster.member(other).removeMember(removed))
    expect(cluster.member(leader).status().voters).not.toContain(removed)
    await cluster.time.until(cluster.member(other).acquire('a', { ttlMs: 2000, waitMs: 0 }))
    await cluster.close()
  })

  it('the leader can be removed, and the others go on', async () => {
    const cluster = await VirtualCluster.of(three)
    const former = await cluster.untilLeader()
    await cluster.time.until(cluster.member(former).removeMember(former))
    await cluster.time.advance(6000)
    const others = three.filter((name) => name !== former)
    expect(others).toContain(await cluster.untilLeader())
    expect(await cluster.time.until(cluster.member(others[0] ?? '').nextSequence('n'))).toBe(1)
    await cluster.close()
  })

  it('the last one cannot be removed', async () => {
    const cluster = await VirtualCluster.of(['ann'])
    const refused = cluster.time.until(cluster.member('ann').removeMember('ann'))
    await expect(refused).rejects.toMatchObject({ code: 'ERR_COORDINATOR_MEMBERSHIP' })
    await cluster.close()
  })

  it('that come late get a snapshot in place of thousands of entries', async () => {
    const cluster = await VirtualCluster.of(['ann'])
    const ann = cluster.member('ann')
    for (let round = 0; round < 45; round++) {
      await cluster.time.until(Promise.all(Array.from({ length: 100 }, () => ann.nextSequence('n'))))
    }
    expect((await cluster.disk('ann').load()).snapshot.index).toBeGreaterThan(4000)
    for (const name of ['bob', 'cas']) {
      await cluster.start(name)
      await cluster.time.until(ann.addMember(name))
    }
    await cluster.time.advance(5000)
    expect(await cluster.time.until(cluster.member('bob').nextSequence('n'))).toBe(4501)
    expect((await cluster.disk('cas').load()).snapshot.index).toBeGreaterThan(4000)
    await cluster.close()
  })
})

describe('hostile or broken parts', () => {
  it('garbage from a member changes nothing', async () => {
    const cluster = await VirtualCluster.of(three)
    const stranger = cluster.links.join('stranger')
    for (let value = 0; value < 256; value++) stranger.send('ann', new Uint8Array([value, value, 1, 2, 3]))
    await cluster.time.advance(1000)
    expect(await cluster.time.until(cluster.member('bob').nextSequence('n'))).toBe(1)
    await cluster.close()
  })

  it('a member cannot act in the session of another, nor end leases by time', async () => {
    const cluster = await VirtualCluster.of(three)
    const leader = await cluster.untilLeader()
    const holder = three.find((name) => name !== leader) ?? ''
    const lease = await cluster.time.until(cluster.member(holder).acquire('a', lock))
    const stranger = cluster.links.join('stranger')
    const ask = (command: Parameters<typeof encodeCommand>[0]): Promise<Uint8Array> => {
      const bytes = encodeQuestion({ kind: 'propose', command: encodeCommand(command) })
      return cluster.time.until(
        stranger.ask(leader, bytes, { timeoutMs: 1000, signal: new AbortController().signal })
      )
    }
    const { token } = lease
    const sessions = Array.from({ length: 30 }, (_, session) => session)
    await Promise.allSettled(sessions.map((session) => ask({ kind: 'close', session })))
    await expect(ask({ kind: 'expire', name: 'a', token, renewals: 0 })).rejects.toThrow()
    await expect(ask({ kind: 'open', member: holder, nonce: 1 })).rejects.toThrow()
    expect((await cluster.time.until(cluster.member(leader).holder('a')))?.token).toBe(token)
    await cluster.close()
  })

  it('a member that cannot store any more says so and takes no part', async () => {
    const cluster = new VirtualCluster(1)
    const disk = new MemoryRaftStorage()
    let full = false
    const failures: unknown[] = []
    const coordinator = await BuiltinCoordinator.open({
      self: 'ann',
      link: createMemoryLinks(cluster.time, cluster.random).join('ann'),
      storage: {
        load: () => Promise.resolve(nothingStored),
        save: (step) => (full ? Promise.reject(new Error('ENOSPC')) : disk.save(step)),
        replace: (stored) => disk.replace(stored),
        close: () => Promise.resolve()
      },
      clock: cluster.time,
      random: cluster.random,
      first: true,
      failed: (error) => failures.push(error)
    })
    const lease = await cluster.time.until(coordinator.acquire('a', lock))
    full = true
    await expect(cluster.time.until(coordinator.nextSequence('n'))).rejects.toMatchObject({
      code: 'ERR_COORDINATOR_CLOSED'
    })
    expect(failures).toHaveLength(1)
    expect(lease.ended.aborted).toBe(true)
  })
})

describe('an idle cluster of three', () => {
  it('sends less than four messages a second', async () => {
    const cluster = await VirtualCluster.of(three)
    const before = cluster.links.sent()
    await cluster.time.advance(60_000)
    expect(cluster.links.sent().messages - before.messages).toBeLessThanOrEqual(4 * 61)
    expect(cluster.links.sent().bytes - before.bytes).toBeLessThan(60 * 4 * 24)
    await cluster.close()
  })
})
