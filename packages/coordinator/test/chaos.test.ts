/** Crashes, cuts, loss and repetition while everybody works: what must hold, holds for every seed. */
import { describe, expect, it } from 'vitest'
import { CoordinatorError } from '../src/coordinator-error.ts'
import { type Operation, checkLinearizability, sequenceModel } from '../src/linearizability.ts'
import type { Coordinator } from '../src/port.ts'
import { applyEntries } from './apply-entries.ts'
import { VirtualCluster } from './virtual-cluster.ts'

const names = ['ann', 'bob', 'cas', 'dan', 'eve']
const seeds = process.env['SLOW'] === '1' ? 200 : 12
const stormMs = 60_000

interface Held {
  readonly by: string
  readonly token: number
  readonly from: number
  to: number
}

class Storm {
  readonly #cluster: VirtualCluster
  readonly held: Held[] = []
  readonly numbers: Operation<'next', number>[] = []
  #over = false

  constructor(cluster: VirtualCluster) {
    this.#cluster = cluster
  }

  async run(): Promise<void> {
    const workers = names.flatMap((name) => [this.#lockWorker(name), this.#numberWorker(name)])
    await this.#trouble()
    this.#over = true
    this.#cluster.links.heal()
    this.#cluster.links.setWeather({ loss: 0, repetition: 0, jitterMs: 0 })
    for (const name of names) if (!this.#cluster.running.has(name)) await this.#cluster.start(name)
    await this.#cluster.time.until(Promise.all(workers), 600_000)
    await this.#cluster.time.advance(10_000)
  }

  async #trouble(): Promise<void> {
    const { time, random, links, running } = this.#cluster
    links.setWeather({ jitterMs: 40, loss: 0.05, repetition: 0.05 })
    for (let passed = 0; passed < stormMs;) {
      const kind = random()
      const name = names[Math.floor(random() * names.length)] ?? ''
      if (kind < 0.3) {
        if (running.has(name)) this.#crash(name)
        else await this.#cluster.start(name)
      } else if (kind < 0.5) links.partition(...this.#sides())
      else if (kind < 0.8) links.heal()
      for (const down of names) if (!running.has(down) && random() < 0.3) await this.#cluster.start(down)
      const step = 200 + random() * 4000
      await time.advance(step)
      passed += step
    }
  }

  /** What a process held, it holds no longer when it is gone. */
  #crash(name: string): void {
    this.#cluster.crash(name)
    const now = this.#cluster.time.now()
    for (const held of this.held) if (held.by === name) held.to = Math.min(held.to, now)
  }

  #sides(): string[][] {
    const left = names.filter(() => this.#cluster.random() < 0.5)
    return [left, names.filter((name) => !left.includes(name))]
  }

  async #lockWorker(name: string): Promise<void> {
    const { time, random } = this.#cluster
    while (!this.#over) {
      await this.#attempt(name, async (coordinator) => {
        const lease = await coordinator.acquire('lock', { ttlMs: 2000, waitMs: 3000 })
        const held: Held = { by: name, token: lease.token, from: time.now(), to: Number.POSITIVE_INFINITY }
        this.held.push(held)
        lease.ended.addEventListener('abort', () => (held.to = Math.min(held.to, time.now())), { once: true })
        await this.#sleep(random() * 1000)
        await lease.release()
      })
    }
  }

  async #numberWorker(name: string): Promise<void> {
    const { time } = this.#cluster
    while (!this.#over) {
      await this.#attempt(name, async (coordinator) => {
        const calledAt = time.now()
        const index = this.numbers.push({ process: name, input: 'next', calledAt, returned: undefined }) - 1
        const output = await coordinator.nextSequence('number')
        this.numbers[index] = { process: name, input: 'next', calledAt, returned: { at: time.now(), output } }
      })
    }
  }

  /** Whatever refuses is tried again later; a process that was killed never answers, so nobody waits for it for ever. */
  async #attempt(name: string, work: (coordinator: Coordinator) => Promise<void>): Promise<void> {
    const coordinator = this.#cluster.running.get(name)
    if (coordinator !== undefined) {
      const result = work(coordinator).catch((error: unknown) => {
        if (!(error instanceof CoordinatorError)) throw error
      })
      await Promise.race([result, this.#sleep(15_000)])
    }
    await this.#sleep(300 * this.#cluster.random())
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cluster.time.start(milliseconds, resolve)
    })
  }
}

describe('five members in a storm', () => {
  for (let seed = 1; seed <= seeds; seed++) {
    it(`keeps its promises with seed ${seed}`, async () => {
      const cluster = await VirtualCluster.of(names, seed)
      const storm = new Storm(cluster)
      await storm.run()
      for (const [term, leaders] of cluster.leaders) expect([...leaders], `term ${term}`).toHaveLength(1)
      expectExclusive(storm.held)
      expect(storm.held.length, 'leases given').toBeGreaterThan(3)
      expect(checkLinearizability(sequenceModel, storm.numbers).linearizable).toBe(true)
      await expectConverged(cluster)
      await cluster.close()
    })
  }
})

function expectExclusive(held: readonly Held[]): void {
  const inOrder = held.toSorted((a, b) => a.token - b.token)
  for (const [index, later] of inOrder.entries()) {
    const earlier = inOrder[index - 1]
    if (earlier === undefined) continue
    expect(later.token, 'every lease has a token of its own').toBeGreaterThan(earlier.token)
    expect(later.from, `${later.by} got what ${earlier.by} held`).toBeGreaterThanOrEqual(earlier.to)
  }
}

/** The same committed entries make the same state on all of them. */
async function expectConverged(cluster: VirtualCluster): Promise<void> {
  const states = await Promise.all(names.map(async (name) => applyEntries(await cluster.disk(name).load())))
  const last = Math.min(...states.map((state) => state.length))
  expect(last, 'entries in common').toBeGreaterThan(10)
  for (const state of states) expect(state.slice(0, last)).toEqual(states[0]?.slice(0, last))
}
