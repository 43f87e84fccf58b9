/** A majority of the voters is lost for good, and one member begins anew: what was given stays below what will be. */
import { describe, expect, it } from 'vitest'
import { beginAnew } from '../src/begin-anew.ts'
import { CoordinatorError } from '../src/coordinator-error.ts'
import { MemoryRaftStorage } from '../src/memory.ts'
import { generationOf } from '../src/raft/generation.ts'
import { VirtualCluster } from './virtual-cluster.ts'

const names = ['ann', 'bob', 'cas', 'dan', 'eve']
const lock = { ttlMs: 60_000, waitMs: 60_000 }

/** Five members of which three are gone; bob holds a lock, and numbers were drawn. */
async function afterTheLoss(): Promise<{ cluster: VirtualCluster; token: number; number: number }> {
  const cluster = await VirtualCluster.of(names)
  const { token } = await cluster.time.until(
    cluster.member('bob').acquire('a', { ...lock, keepAlive: false })
  )
  const number = await cluster.time.until(cluster.member('ann').nextSequence('n', 1000))
  await cluster.time.advance(2000)
  for (const name of ['cas', 'dan', 'eve']) cluster.crash(name)
  return { cluster, token, number: number + 999 }
}

async function begin(cluster: VirtualCluster, name: string, floor = 0): Promise<number> {
  cluster.crash(name)
  const index = await beginAnew(cluster.disk(name), { self: name, floor })
  await cluster.start(name)
  return index
}

describe('a cluster begun anew', () => {
  it('gives nothing before, and goes on with higher tokens and numbers afterwards', async () => {
    const { cluster, token, number } = await afterTheLoss()
    await expect(cluster.time.until(cluster.member('ann').nextSequence('n'))).rejects.toMatchObject({
      code: 'ERR_COORDINATOR_NO_MAJORITY'
    })
    const index = await begin(cluster, 'ann', 7)
    const ann = cluster.member('ann')
    expect((await cluster.time.until(ann.acquire('a', lock))).token).toBeGreaterThan(index)
    expect(index).toBeGreaterThan(token)
    expect(await cluster.time.until(ann.nextSequence('n'))).toBeGreaterThan(number)
    expect(await cluster.time.until(ann.nextSequence('never asked before'))).toBe(index + 1)
    await cluster.close()
  })

  it('takes over members that are left and those that come back, and ends what they held', async () => {
    const { cluster } = await afterTheLoss()
    const held = await cluster.time.until(begin(cluster, 'ann'))
    const ann = cluster.member('ann')
    for (const name of names.slice(1)) if (!cluster.running.has(name)) await cluster.start(name)
    for (const name of names.slice(1)) await cluster.time.until(ann.addMember(name))
    await cluster.time.advance(20_000)
    for (const name of names) {
      const { leader, term } = cluster.member(name).status()
      expect(leader, name).toBe(cluster.leader())
      expect(generationOf(term), name).toBe(1)
    }
    expect(ann.status().voters).toHaveLength(5)
    const { token } = await cluster.time.until(cluster.member('eve').acquire('a', lock))
    expect(token).toBeGreaterThan(held)
    for (const [term, leaders] of cluster.leaders) expect([...leaders], `term ${term}`).toHaveLength(1)
    await cluster.close()
  })

  it('ends the lease of a member that is taken over', async () => {
    const cluster = await VirtualCluster.of(['ann', 'bob', 'cas'])
    const lease = await cluster.time.until(cluster.member('bob').acquire('a', lock))
    cluster.crash('cas')
    await begin(cluster, 'ann')
    await cluster.time.until(cluster.member('ann').addMember('bob'))
    await cluster.time.advance(3000)
    expect(lease.ended.aborted).toBe(true)
    await cluster.close()
  })

  it('stays above the floor of the store, and above itself when it is done again', async () => {
    const storage = new MemoryRaftStorage()
    const first = await beginAnew(storage, { self: 'ann', floor: 2 ** 45 })
    const second = await beginAnew(storage, { self: 'ann', floor: 0 })
    expect(first).toBeGreaterThan(2 ** 45)
    expect(second).toBeGreaterThan(first)
    expect(generationOf((await storage.load()).term)).toBe(2)
  })

  it('begins from nothing where what was stored is damaged, and passes on what else goes wrong', async () => {
    const kept = new MemoryRaftStorage()
    const failing = (problem: Error): MemoryRaftStorage =>
      Object.assign(new MemoryRaftStorage(), {
        load: () => Promise.reject(problem),
        replace: (stored: Parameters<MemoryRaftStorage['replace']>[0]) => kept.replace(stored)
      })
    const damaged = new CoordinatorError('ERR_COORDINATOR_STORAGE_DAMAGED', 'broken')
    const index = await beginAnew(failing(damaged), { self: 'ann', floor: 9 })
    expect((await kept.load()).snapshot.index).toBe(index)
    await expect(beginAnew(failing(new Error('EIO')), { self: 'ann', floor: 9 })).rejects.toThrow('EIO')
  })

  it('refuses when there are no numbers left', async () => {
    const storage = new MemoryRaftStorage()
    await expect(beginAnew(storage, { self: 'ann', floor: 2 ** 53 - 2 ** 32 })).rejects.toMatchObject({
      code: 'ERR_COORDINATOR_FULL'
    })
  })
})
