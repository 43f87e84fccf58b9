/**
 * A cluster of simulated nodes: machines that keep what was written, processes that come and go on them, the network
 * between them, and one seed for all chance. The same seed and options give the same run, event for event.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import {
  type MemoryNetwork,
  type VirtualTime,
  createMemoryNetwork,
  createVirtualTime
} from '@blocktree/network/memory'
import { createEndpoint } from '@blocktree/tree'
import { type Founding, found } from './founding.ts'
import type { Machine } from './machine.ts'
import type { Sabotage } from './sabotage.ts'
import { seededCrypto } from './seeded-crypto.ts'
import { type NodeIdentity, type NodeWorld, type SimulatedNode, startNode } from './node.ts'
import { type SeededRandom, createSeededRandom } from '@blocktree/crypto/seeded-random'

export interface SimulationOptions {
  readonly seed: string
  /** Number of nodes, 1 to 20. */
  readonly nodes: number
  readonly sabotage?: Sabotage | undefined
}

/** What a machine is, whether or not a process runs on it. */
interface Place {
  readonly identity: NodeIdentity
  readonly machine: Machine
  clockOffsetMs: number
  /** Gone for good, with its disk. */
  isDestroyed: boolean
  /** Undefined while no process runs; a promise while one starts. */
  starting: Promise<SimulatedNode> | undefined
  node: SimulatedNode | undefined
}

const startMs = 1_800_000_000_000
const yearMs = 31_536_000_000
const startLimitMs = 600_000

/** A node that finds its disk full or broken does not start; it is tried again later. */
function isDiskFailure(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? error.code : undefined
  return code === 'ENOSPC' || code === 'EIO' || isDiskFailure(error.cause)
}

export class Simulation {
  readonly time: VirtualTime
  readonly hub: MemoryNetwork
  readonly random: SeededRandom
  readonly names: readonly string[]
  /** What nodes would have written into their logs as warnings, the last thousand. */
  readonly notes: string[] = []
  /** Leaders that were seen, by term. */
  readonly leaders: Map<number, Set<string>> = new Map()
  readonly #founding: Founding
  readonly #world: NodeWorld
  readonly seed: string
  readonly #places: ReadonlyMap<string, Place>

  private constructor(
    options: SimulationOptions,
    founding: Founding,
    places: ReadonlyMap<string, Place>,
    crypto: CryptoProvider
  ) {
    this.seed = options.seed
    this.#founding = founding
    this.#places = places
    this.names = [...places.keys()]
    this.time = createVirtualTime(startMs)
    this.random = createSeededRandom(`${options.seed} simulation`)
    this.hub = createMemoryNetwork({
      timers: this.time,
      random: () => this.random.number(),
      conditions: { delayMs: 2 }
    })
    this.#world = {
      time: this.time,
      hub: this.hub,
      crypto,
      treeId: founding.treeId,
      rootBlock: founding.rootBlock,
      members: [...places.values()].map(({ identity }) => identity),
      sabotage: options.sabotage,
      note: (node, message) => this.#note(`${node}: ${message}`)
    }
  }

  /** Founds the tree, starts all nodes, and adds them to the cluster of the first. */
  static async start(options: SimulationOptions): Promise<Simulation> {
    const { seed, nodes } = options
    const names = Array.from({ length: nodes }, (_, index) => `node-${index + 1}`)
    const crypto = seededCrypto(createNativeProvider(), createSeededRandom(`${seed} records`))
    const founding = await found(names, crypto, seed, startMs)
    const places = new Map<string, Place>()
    for (const [name, principal] of founding.principals) {
      const transportKey = crypto.sha256(new TextEncoder().encode(`transport key of ${name}`))
      const endpoint = createEndpoint(crypto, principal, {
        tree: founding.treeId,
        transportKey,
        addresses: [`/memory/${name}`],
        notAfter: startMs + yearMs,
        sequence: 1
      })
      const identity = { name, principal, transportKey, endpoint }
      const machine = await founding.machine.copy()
      places.set(name, {
        identity,
        machine,
        clockOffsetMs: 0,
        isDestroyed: false,
        starting: undefined,
        node: undefined
      })
    }
    const simulation = new Simulation(options, founding, places, crypto)
    for (const name of names) await simulation.startNode(name)
    await simulation.#joinCoordinator()
    return simulation
  }

  get treeId(): Uint8Array {
    return this.#founding.treeId
  }

  /** A file on which locks are taken. */
  get lockedBlock(): Uint8Array {
    return this.#founding.lockedBlock
  }

  /** Directories that are moved about. */
  get movedBlocks(): readonly Uint8Array[] {
    return this.#founding.movedBlocks
  }

  get rootBlock(): Uint8Array {
    return this.#founding.rootBlock
  }

  /** The process on a machine; undefined while none runs or it is still starting. */
  node(name: string): SimulatedNode | undefined {
    return this.#place(name).node
  }

  running(): readonly SimulatedNode[] {
    return this.names.flatMap((name) => this.node(name) ?? [])
  }

  machine(name: string): Machine {
    return this.#place(name).machine
  }

  /** Starts a process where none runs; it stays down when its disk does not let it start. */
  async startNode(name: string): Promise<void> {
    const place = this.#place(name)
    if (place.node !== undefined || place.starting !== undefined || place.isDestroyed) return
    const { identity, machine } = place
    const random = createSeededRandom(`${this.seed} ${name} process ${machine.process}`)
    const wallClock = (): number => Math.floor(this.time.now()) + place.clockOffsetMs
    const isFirst = name === this.names[0]
    const starting = startNode({ world: this.#world, identity, machine, random, wallClock, isFirst })
    place.starting = starting
    try {
      const node = await this.time.until(starting, startLimitMs)
      place.node = node
      node.coordinator.onStatus(({ role, term, self }) => {
        if (role === 'leader') this.leaders.set(term, (this.leaders.get(term) ?? new Set()).add(self))
      })
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      this.#note(`${name}: could not start: ${error.message}`)
      this.hub.vanish(name)
      await machine.kill()
    } finally {
      place.starting = undefined
    }
  }

  /** The process ends at once; `power`: the machine too, with what it had not synced. */
  async crash(name: string, how: 'process' | 'power'): Promise<void> {
    const place = this.#place(name)
    if (place.node === undefined) return
    place.node = undefined
    if (how === 'process') for (const other of this.names) if (other !== name) this.hub.reset(name, other)
    this.hub.vanish(name)
    await (how === 'process' ? place.machine.kill() : place.machine.losePower(this.random))
  }

  /** The machine is gone for good, and what it alone held with it. */
  async destroy(name: string): Promise<void> {
    await this.#places.get(name)?.starting?.catch(() => undefined)
    await this.crash(name, 'power')
    this.#place(name).isDestroyed = true
  }

  /** Machines that were not destroyed. */
  get surviving(): readonly string[] {
    return this.names.filter((name) => !this.#place(name).isDestroyed)
  }

  principalOf(name: string): Uint8Array {
    return this.#place(name).identity.principal.id
  }

  /** The node with this principal. */
  nameOf(principal: Uint8Array): string {
    const found = [...this.#places.values()].find(
      ({ identity }) => identity.principal.id.toHex() === principal.toHex()
    )
    return found?.identity.name ?? principal.toHex()
  }

  /** An orderly end and a new start. */
  async restart(name: string): Promise<void> {
    const place = this.#place(name)
    const { node } = place
    if (node === undefined) return
    place.node = undefined
    try {
      await this.time.until(node.close(), startLimitMs)
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      this.#note(`${name}: could not end in order: ${error.message}`)
      this.hub.vanish(name)
    }
    await place.machine.kill()
    await this.startNode(name)
  }

  setClock(name: string, offsetMs: number): void {
    this.#place(name).clockOffsetMs = offsetMs
  }

  async close(): Promise<void> {
    this.hub.heal()
    for (const name of this.names) {
      const { node } = this.#place(name)
      if (node !== undefined) await this.time.until(node.close(), 120_000)
    }
  }

  async #joinCoordinator(): Promise<void> {
    const [first, ...others] = this.names
    const coordinator = this.node(first ?? '')?.coordinator
    await this.time.advance(2000)
    for (const name of others) {
      const member = this.#place(name).identity.principal.id.toHex()
      if (coordinator !== undefined) await this.time.until(coordinator.addMember(member))
    }
    await this.time.advance(3000)
  }

  #place(name: string): Place {
    const place = this.#places.get(name)
    if (place === undefined) throw new RangeError(`there is no node "${name}"`)
    return place
  }

  #note(text: string): void {
    this.notes.push(`${Math.round(this.time.now() - startMs)} ${text}`)
    if (this.notes.length > 1000) this.notes.shift()
  }
}
