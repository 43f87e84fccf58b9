/** Members in one process under virtual time: started, crashed and started again with what they had stored. */
import { createVirtualTime, type VirtualTime } from '@blocktree/network/memory'
import { BuiltinCoordinator } from '../src/builtin-coordinator.ts'
import { type MemoryLinks, MemoryRaftStorage, createMemoryLinks } from '../src/memory.ts'
import type { CoordinatorStatus, NameRule } from '../src/port.ts'
import type { RaftStorage, StorageStep, StoredRaft } from '../src/raft/storage.ts'
import { seededRandom } from './seeded-random.ts'

/** What one process writes to its disk; after a kill nothing of it gets there, and it never learns why. */
class ProcessStorage implements RaftStorage {
  readonly #disk: MemoryRaftStorage
  #killed = false

  constructor(disk: MemoryRaftStorage) {
    this.#disk = disk
  }

  kill(): void {
    this.#killed = true
  }

  load(): Promise<StoredRaft> {
    return this.#disk.load()
  }

  save(step: StorageStep): Promise<void> {
    return this.#killed ? never() : this.#disk.save(step)
  }

  replace(stored: StoredRaft): Promise<void> {
    return this.#killed ? never() : this.#disk.replace(stored)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

function never(): Promise<void> {
  return new Promise(() => undefined)
}

export class VirtualCluster {
  readonly time: VirtualTime = createVirtualTime()
  readonly random: () => number
  readonly links: MemoryLinks
  readonly running: Map<string, BuiltinCoordinator> = new Map()
  /** Every leader that any member saw, by term. */
  readonly leaders: Map<number, Set<string>> = new Map()
  readonly #disks = new Map<string, MemoryRaftStorage>()
  readonly #processes = new Map<string, ProcessStorage>()

  constructor(seed: number) {
    this.random = seededRandom(seed)
    this.links = createMemoryLinks(this.time, this.random)
  }

  /** Those that follow without a vote. */
  readonly voteless: Set<string> = new Set()

  /** Told of what those without a vote name. */
  mayName: NameRule = () => 'allowed'

  /** The first of the names begins the cluster and adds the others. */
  static async of(names: readonly string[], seed = 1): Promise<VirtualCluster> {
    const cluster = new VirtualCluster(seed)
    for (const name of names) await cluster.start(name, name === names[0])
    const first = cluster.member(names[0] ?? '')
    for (const name of names.slice(1)) await cluster.time.until(first.addMember(name))
    await cluster.time.advance(3000)
    return cluster
  }

  async start(name: string, first = false): Promise<BuiltinCoordinator> {
    const disk = this.#disks.get(name) ?? new MemoryRaftStorage()
    const storage = new ProcessStorage(disk)
    this.#disks.set(name, disk)
    this.#processes.set(name, storage)
    const { time: clock, random } = this
    const link = this.links.join(name)
    const mayVote = (member: string): boolean => !this.voteless.has(member)
    const coordinator = await BuiltinCoordinator.open({
      self: name,
      link,
      storage,
      clock,
      random,
      first,
      mayVote,
      mayName: (member, name) => (mayVote(member) ? 'allowed' : this.mayName(member, name))
    })
    this.running.set(name, coordinator)
    coordinator.onStatus((status) => this.#see(status))
    return coordinator
  }

  /** The process is gone; what it stored stays. */
  crash(name: string): void {
    this.#processes.get(name)?.kill()
    this.links.leave(name)
    this.running.delete(name)
  }

  member(name: string): BuiltinCoordinator {
    const coordinator = this.running.get(name)
    if (coordinator === undefined) throw new Error(`${name} does not run`)
    return coordinator
  }

  leader(): string | undefined {
    for (const [name, coordinator] of this.running) if (coordinator.status().role === 'leader') return name
    return undefined
  }

  async untilLeader(limitMs = 20_000): Promise<string> {
    for (let waited = 0; waited < limitMs; waited += 50) {
      const leader = this.leader()
      if (leader !== undefined && [...this.running.values()].some((one) => one.status().leader === leader))
        return leader
      await this.time.advance(50)
    }
    throw new Error(`no leader within ${limitMs} ms`)
  }

  async close(): Promise<void> {
    this.links.heal()
    await this.time.until(Promise.all([...this.running.values()].map((coordinator) => coordinator.close())))
  }

  /** What a member has stored, which survives its crashes. */
  disk(name: string): MemoryRaftStorage {
    return this.#disks.get(name) ?? new MemoryRaftStorage()
  }

  #see(status: CoordinatorStatus): void {
    if (status.role !== 'leader') return
    const seen = this.leaders.get(status.term) ?? new Set<string>()
    seen.add(status.self)
    this.leaders.set(status.term, seen)
  }
}
