/** What every coordinator has to do, as cases that a test runner registers; the same for local, builtin and etcd. */
import { CoordinatorError, type CoordinatorErrorCode } from './coordinator-error.ts'
import {
  checkLinearizability,
  type LockInput,
  lockModel,
  type Operation,
  sequenceModel
} from './linearizability.ts'
import type { Coordinator, Lease } from './port.ts'

export interface CoordinatorUnderTest {
  /** Two members of one cluster, or the same one twice where there is but one. */
  readonly left: Coordinator
  readonly right: Coordinator
  /** Lets time pass; real or virtual. */
  readonly pass: (milliseconds: number) => Promise<void>
  /** Lets time pass until the promise settles. */
  readonly until: <T>(promise: Promise<T>) => Promise<T>
  readonly close: () => Promise<void>
}

export interface ConformanceCase {
  readonly name: string
  readonly run: (subject: CoordinatorUnderTest) => Promise<void>
}

const ttlMs = 2000
const brief = { ttlMs, waitMs: 0 }

export const conformanceCases: readonly ConformanceCase[] = [
  {
    name: 'gives a free lock at once, with a token above 0 and time left',
    run: async ({ left, until }) => {
      const lease = await until(left.acquire('a', brief))
      expect(lease.token > 0, `token ${lease.token}`)
      expect(lease.remainingMs() > 0 && lease.remainingMs() <= ttlMs, `${lease.remainingMs()} ms left`)
      await until(lease.release())
    }
  },
  {
    name: 'refuses a lock that somebody holds when there is no time to wait',
    run: async ({ left, right, until }) => {
      const lease = await until(left.acquire('a', brief))
      await refuses(until(right.acquire('a', brief)), 'ERR_COORDINATOR_HELD')
      await until(lease.release())
      await until((await until(right.acquire('a', brief))).release())
    }
  },
  {
    name: 'gives up after the time to wait, and leaves the queue',
    run: async ({ left, right, until }) => {
      const lease = await until(left.acquire('a', brief))
      await refuses(until(right.acquire('a', { ttlMs, waitMs: 300 })), 'ERR_COORDINATOR_HELD')
      const holder = await until(left.holder('a'))
      expect(holder?.waiting === 0, `${holder?.waiting} still wait`)
      await until(lease.release())
    }
  },
  {
    name: 'passes a lock on in the order it was asked for, each with a higher token',
    run: async ({ left, right, until, pass }) => {
      const first = await until(left.acquire('a', brief))
      const order: string[] = []
      const wait = async (coordinator: Coordinator, who: string): Promise<Lease> => {
        const lease = await coordinator.acquire('a', { ttlMs, waitMs: 20_000 })
        order.push(who)
        return lease
      }
      const second = wait(right, 'second')
      await pass(200)
      const third = wait(left, 'third')
      await pass(200)
      await until(first.release())
      const secondLease = await until(second)
      expect(secondLease.token > first.token, `${secondLease.token} after ${first.token}`)
      await until(secondLease.release())
      const thirdLease = await until(third)
      expect(thirdLease.token > secondLease.token, `${thirdLease.token} after ${secondLease.token}`)
      expect(order.join(' ') === 'second third', `order was ${order.join(' ')}`)
      await until(thirdLease.release())
    }
  },
  {
    name: 'ends a lease that is not renewed, first for its holder, then for others',
    run: async ({ left, right, until, pass }) => {
      const lease = await until(left.acquire('a', { ...brief, keepAlive: false }))
      const next = right.acquire('a', { ttlMs, waitMs: 20_000 })
      await pass(1000)
      expect(!lease.ended.aborted, 'it ended in half of its time')
      const given = await until(next)
      expect(lease.ended.aborted && lease.remainingMs() === 0, 'the former holder believes to hold it still')
      expect(given.token > lease.token, `${given.token} after ${lease.token}`)
      await refuses(until(lease.renew()), 'ERR_COORDINATOR_LEASE_ENDED')
      await until(given.release())
    }
  },
  {
    name: 'keeps a lease alive for longer than its time, and lets go when told',
    run: async ({ left, right, until, pass }) => {
      const lease = await until(left.acquire('a', brief))
      await pass(3 * ttlMs)
      expect(!lease.ended.aborted, 'the lease ended although it was kept alive')
      await refuses(until(right.acquire('a', brief)), 'ERR_COORDINATOR_HELD')
      await until(lease.release())
      expect(lease.ended.aborted, 'a released lease has not ended')
      await until(lease.release())
      expect((await until(right.holder('a'))) === undefined, 'somebody holds a released lock')
    }
  },
  {
    name: 'renews by hand',
    run: async ({ left, until, pass }) => {
      const lease = await until(left.acquire('a', { ...brief, keepAlive: false }))
      await pass(1200)
      await until(lease.renew())
      await pass(1200)
      expect(!lease.ended.aborted, 'it ended although it was renewed')
      await until(lease.release())
    }
  },
  {
    name: 'tells who holds a lock, under which token and how many wait',
    run: async ({ left, right, until, pass }) => {
      expect((await until(right.holder('a'))) === undefined, 'a free lock has a holder')
      const lease = await until(left.acquire('a', brief))
      const waiting = right.acquire('a', { ttlMs, waitMs: 20_000 })
      await pass(300)
      const holder = await until(right.holder('a'))
      expect(holder?.token === lease.token, `token ${holder?.token} instead of ${lease.token}`)
      expect(holder?.member === left.status().self, `held by ${holder?.member}`)
      expect(holder?.waiting === 1, `${holder?.waiting} wait instead of 1`)
      await until(lease.release())
      await until((await until(waiting)).release())
    }
  },
  {
    name: 'breaks a lock for who knows its token, and not with another one',
    run: async ({ left, right, until, pass }) => {
      const lease = await until(left.acquire('a', brief))
      expect(!(await until(right.breakLock('a', lease.token + 1))), 'broke a lock with a wrong token')
      expect(await until(right.breakLock('a', lease.token)), 'could not break the lock')
      const next = await until(right.acquire('a', brief))
      expect(next.token > lease.token, `${next.token} after ${lease.token}`)
      await pass(ttlMs)
      expect(lease.ended.aborted, 'the former holder does not know that its lock was broken')
      await until(next.release())
    }
  },
  {
    name: 'stops waiting when the caller cancels',
    run: async ({ left, right, until, pass }) => {
      const lease = await until(left.acquire('a', brief))
      const cancel = new AbortController()
      const waiting = right.acquire('a', { ttlMs, waitMs: 60_000, signal: cancel.signal })
      const refused = refuses(waiting, 'ERR_COORDINATOR_CANCELLED')
      await pass(300)
      cancel.abort()
      await until(refused)
      await pass(300)
      expect((await until(left.holder('a')))?.waiting === 0, 'a cancelled caller still waits')
      await until(lease.release())
    }
  },
  {
    name: 'keeps locks of different names apart, whatever the names hold',
    run: async ({ left, right, until }) => {
      const names = ['a', 'a/b', 'ä €', 'lock/a', '0', 'a\u0000b']
      const leases = await Promise.all(names.map((name) => until(left.acquire(name, brief))))
      for (const name of names) await refuses(until(right.acquire(name, brief)), 'ERR_COORDINATOR_HELD')
      for (const lease of leases) await until(lease.release())
    }
  },
  {
    name: 'refuses names and times outside the limits',
    run: async ({ left, until }) => {
      const code = 'ERR_COORDINATOR_ARGUMENT'
      await refuses(until(left.acquire('', brief)), code)
      await refuses(until(left.acquire('ä'.repeat(65), brief)), code)
      await refuses(until(left.acquire('a', { ttlMs: 999, waitMs: 0 })), code)
      await refuses(until(left.acquire('a', { ttlMs: 3_600_001, waitMs: 0 })), code)
      await refuses(until(left.acquire('a', { ttlMs, waitMs: -1 })), code)
      await refuses(until(left.acquire('a', { ttlMs, waitMs: Number.NaN })), code)
      await refuses(until(left.nextSequence('a', 0)), code)
      await refuses(until(left.nextSequence('a', 1_000_001)), code)
    }
  },
  {
    name: 'numbers begin at 1, rise, and leave room for as many as were asked for',
    run: async ({ left, right, until }) => {
      expect((await until(left.nextSequence('n'))) === 1, 'the first number is not 1')
      expect((await until(right.nextSequence('n', 10))) === 2, 'the second call does not follow')
      expect((await until(left.nextSequence('n'))) === 12, 'the third call is inside the second')
      expect((await until(left.nextSequence('other'))) === 1, 'sequences are not apart')
    }
  },
  {
    name: 'numbers asked for at once are all different',
    run: async ({ left, right, until }) => {
      const calls = Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? left : right).nextSequence('n')
      )
      const numbers = await until(Promise.all(calls))
      expect(new Set(numbers).size === 40, `${new Set(numbers).size} different numbers of 40`)
    }
  },
  {
    name: 'one order fits all answers of several who lock and draw numbers at once',
    run: async ({ left, right, until }) => {
      const history = new History()
      const workers = [left, right, left, right].map((coordinator, worker) =>
        lockAndDraw(coordinator, `worker ${worker}`, history)
      )
      await until(Promise.all(workers))
      const [locks, numbers] = [
        checkLinearizability(lockModel, history.locks),
        checkLinearizability(sequenceModel, history.numbers)
      ]
      expect(locks.linearizable === true, `no order of locks: ${JSON.stringify(history.locks)}`)
      expect(numbers.linearizable === true, `no order of numbers: ${JSON.stringify(history.numbers)}`)
      expect(history.locks.length === 24 && history.numbers.length === 24, 'something is not in the history')
    }
  },
  {
    name: 'has one leader, and both know it',
    run: async ({ left, right, pass }) => {
      for (let waited = 0; waited < 60 && left.status().leader === undefined; waited++) await pass(100)
      await pass(1500)
      const [a, b] = [left.status(), right.status()]
      expect(a.leader !== undefined && a.leader === b.leader, `${a.leader} against ${b.leader}`)
      expect(a.term > 0, `term ${a.term}`)
    }
  },
  {
    name: 'refuses everything after it was closed',
    run: async ({ left, until }) => {
      const lease = await until(left.acquire('a', brief))
      await until(left.close())
      expect(lease.ended.aborted, 'a lease outlived its coordinator')
      await refuses(until(left.acquire('b', brief)), 'ERR_COORDINATOR_CLOSED')
    }
  }
]

function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

async function refuses(promise: Promise<unknown>, code: CoordinatorErrorCode): Promise<void> {
  try {
    await promise
  } catch (error) {
    if (error instanceof CoordinatorError && error.code === code) return
    throw error
  }
  throw new Error(`accepted, where ${code} was due`)
}

/** What was asked and answered, in the order in which it happened here. */
class History {
  readonly locks: Operation<LockInput, number>[] = []
  readonly numbers: Operation<'next', number>[] = []
  #moment = 0

  async acquire(process: string, call: () => Promise<Lease>): Promise<Lease> {
    const calledAt = ++this.#moment
    const lease = await call()
    const returned = { at: ++this.#moment, output: lease.token }
    this.locks.push({ process, input: { kind: 'acquire', holder: process }, calledAt, returned })
    return lease
  }

  async release(process: string, lease: Lease): Promise<void> {
    const calledAt = ++this.#moment
    await lease.release()
    const input = { kind: 'release', holder: process, token: lease.token } as const
    this.locks.push({ process, input, calledAt, returned: { at: ++this.#moment, output: 0 } })
  }

  async draw(process: string, call: () => Promise<number>): Promise<void> {
    const calledAt = ++this.#moment
    const output = await call()
    this.numbers.push({ process, input: 'next', calledAt, returned: { at: ++this.#moment, output } })
  }
}

/** Leases that last longer than any machine is slow, so that none ends but by its release. */
async function lockAndDraw(coordinator: Coordinator, process: string, history: History): Promise<void> {
  const patient = { ttlMs: 600_000, waitMs: 600_000 }
  for (let round = 0; round < 3; round++) {
    await history.draw(process, () => coordinator.nextSequence('everybody'))
    const lease = await history.acquire(process, () => coordinator.acquire('everybody', patient))
    await history.draw(process, () => coordinator.nextSequence('everybody'))
    await history.release(process, lease)
  }
}
