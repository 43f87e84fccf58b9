import { BuiltinCoordinator, type Coordinator, type CoordinatorClock } from '@blocktree/coordinator'
import { createMemoryLinks, MemoryRaftStorage } from '@blocktree/coordinator/memory'
import { createMemoryStore } from '@blocktree/tree/memory'
import { afterEach, describe, expect, test } from 'vitest'
import { createLockPort } from '../../src/apps/lock-port.ts'
import { createFileLocks, type FileLocks } from '../../src/coordinator/file-locks.ts'
import { createLateLink } from '../../src/coordinator/late-link.ts'

const clock: CoordinatorClock = {
  now: () => performance.now(),
  start(delayMs, call) {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  }
}
const timing = { beatMs: 20, electionMs: 100 }
const block = new Uint8Array(32).fill(7)
const ann = new Uint8Array(32).fill(1)
const bob = new Uint8Array(32).fill(2)
const once = { principal: ann, ttlMs: 1000, waitMs: 0 }
const { signal } = new AbortController()
const ends: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

type Links = ReturnType<typeof createMemoryLinks>

interface Member {
  readonly coordinator: Coordinator
  readonly locks: FileLocks
  connect(): void
}

async function openMember(self: string, links: Links, first: boolean): Promise<Member> {
  const link = createLateLink(() => Promise.resolve())
  const storage = new MemoryRaftStorage()
  const options = { self, link, storage, clock, random: Math.random, first, timing, callMs: 1000 }
  const coordinator = await BuiltinCoordinator.open(options)
  ends.push(() => coordinator.close())
  const connect = (): void => link.connect(links.join(self))
  return { coordinator, locks: locksOf(coordinator), connect }
}

function locksOf(coordinator: Coordinator, rows = createMemoryStore()): FileLocks {
  return createFileLocks({ coordinator: { get: () => Promise.resolve(coordinator) }, rows })
}

async function openTwo(): Promise<readonly [Member, Member]> {
  const links = createMemoryLinks(clock, Math.random)
  const one = await openMember('one', links, true)
  const two = await openMember('two', links, false)
  one.connect()
  two.connect()
  await one.coordinator.addMember('two')
  return [one, two]
}

async function alone(): Promise<Member> {
  return await openMember('one', createMemoryLinks(clock, Math.random), true)
}

describe('locks of a file', () => {
  test('exclude another node, and a token that was given on writes nothing any more', async () => {
    const [one, two] = await openTwo()
    const first = await one.locks.acquire(block, once)
    await expect(two.locks.acquire(block, once)).rejects.toMatchObject({ code: 'ERR_COORDINATOR_HELD' })
    expect(await one.locks.fenced(block, first.token, () => Promise.resolve('written'))).toBe('written')
    expect(await one.locks.release(block, first.token, ann)).toBe(true)
    const second = await two.locks.acquire(block, once)
    expect(second.token).toBeGreaterThan(first.token)
    for (const { locks } of [one, two]) {
      await expect(
        locks.fenced(block, first.token, () => Promise.reject(new Error('was written')))
      ).rejects.toMatchObject({ code: 'ERR_LOCK_FENCED' })
    }
    expect(await one.locks.fenced(block, second.token, () => Promise.resolve(1))).toBe(1)
  })

  test('stay when the node that gave them alone gets company, and tokens go on rising', async () => {
    const links = createMemoryLinks(clock, Math.random)
    const one = await openMember('one', links, true)
    const lease = await one.locks.acquire(block, { ...once, ttlMs: 10_000 })
    const two = await openMember('two', links, false)
    one.connect()
    two.connect()
    await one.coordinator.addMember('two')
    expect(lease.remainingMs()).toBeGreaterThan(0)
    await expect(two.locks.acquire(block, once)).rejects.toMatchObject({ code: 'ERR_COORDINATOR_HELD' })
    expect(await two.locks.break(block)).toBe(true)
    expect((await two.locks.acquire(block, once)).token).toBeGreaterThan(lease.token)
    await expect(one.locks.renew(block, lease.token, ann)).rejects.toHaveProperty('code')
  })

  test('are renewed and released by who took them alone', async () => {
    const { locks } = await alone()
    const { token } = await locks.acquire(block, once)
    await expect(locks.renew(block, token, bob)).rejects.toMatchObject({ code: 'ERR_LOCK_ENDED' })
    expect(await locks.release(block, token, bob)).toBe(false)
    expect((await locks.renew(block, token, ann)).remainingMs()).toBeGreaterThan(0)
    expect(await locks.break(block, token + 1)).toBe(false)
    expect(await locks.release(block, token, ann)).toBe(true)
    expect(await locks.release(block, token, ann)).toBe(false)
    expect(locks.held()).toEqual([])
  })

  test('remember the highest token over a restart, and take none that was never given', async () => {
    const { coordinator } = await alone()
    const rows = createMemoryStore()
    const before = locksOf(coordinator, rows)
    const old = await before.acquire(block, once)
    await before.release(block, old.token, ann)
    const newer = await before.acquire(block, once)
    await before.expectToken(block, newer.token)
    await expect(before.expectToken(block, newer.token + 1)).rejects.toMatchObject({
      code: 'ERR_LOCK_FENCED'
    })
    await before.release(block, newer.token, ann)
    const after = locksOf(coordinator, rows)
    await expect(after.expectToken(block, old.token)).rejects.toMatchObject({ code: 'ERR_LOCK_FENCED' })
    // nobody holds it: whether somebody did since is not known, and a number that was never given changes nothing
    for (const token of [newer.token, newer.token + 100])
      await expect(after.expectToken(block, token)).rejects.toMatchObject({ code: 'ERR_LOCK_FENCED' })
    const last = await after.acquire(block, once)
    await after.expectToken(block, last.token)
  })

  test('let nothing through under a token that ran out, also on a node that saw none of those after it', async () => {
    const [one, two] = await openTwo()
    const first = await one.locks.acquire(block, once)
    await one.locks.release(block, first.token, ann)
    const second = await two.locks.acquire(block, once)
    await two.locks.release(block, second.token, ann)
    await expect(
      one.locks.fenced(block, first.token, () => Promise.reject(new Error('was written')))
    ).rejects.toMatchObject({ code: 'ERR_LOCK_FENCED' })
  })

  test('let writes under a token through one at a time, also after one that failed', async () => {
    const { locks } = await alone()
    const { token } = await locks.acquire(block, once)
    const order: string[] = []
    const write = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      order.push(`${name} ends`)
      if (name === 'a') throw new Error('a fails')
    }
    const both = [locks.fenced(block, token, write('a')), locks.fenced(block, token, write('b'))]
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })

  test('are not given without a majority, and tokens are not judged', async () => {
    const [one, two] = await openTwo()
    const { token } = await one.locks.acquire(block, once)
    await one.coordinator.close()
    const refused = { code: 'ERR_COORDINATOR_NO_MAJORITY' }
    await expect(two.locks.acquire(block, once)).rejects.toMatchObject(refused)
    await expect(two.locks.expectToken(block, token)).rejects.toMatchObject(refused)
  })
})

describe('locks of apps', () => {
  test('exclude the same app on another node, and end with what an app may know', async () => {
    const [one, two] = await openTwo()
    const [here, there] = [createLockPort(one.locks), createLockPort(two.locks)]
    const key = block.toHex()
    const lease = await here.acquire(key, { ttlMs: 5000, waitMs: 0, signal })
    await expect(there.acquire(key, { ttlMs: 5000, waitMs: 0, signal })).rejects.toMatchObject({
      failure: 'conflict'
    })
    const waiting = there.acquire(key, { ttlMs: 5000, waitMs: 5000, signal })
    expect((await here.renew(lease, 5000)).token).toBe(lease.token)
    here.release(lease)
    const passed = await waiting
    expect(passed.token).toBeGreaterThan(lease.token)
    await expect(here.expectToken(key, lease.token)).rejects.toMatchObject({ failure: 'revoked' })
    await expect(here.renew(lease, 5000)).rejects.toMatchObject({ failure: 'revoked' })
    await there.expectToken(key, passed.token)
    await one.coordinator.close()
    await expect(there.acquire(`${key.slice(2)}00`, { ttlMs: 1, waitMs: 0, signal })).rejects.toMatchObject({
      failure: 'unreachable'
    })
  })
})
