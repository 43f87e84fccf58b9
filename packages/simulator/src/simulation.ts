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
  /** When the image of its disk was made that is kept; undefined without one. */
  imageMs: number | undefined
  /** What was written in between is gone: the disk was put back to what it held at the first of the two. */
  readonly putBack: { readonly fromMs: number; readonly toMs: number }[]
  /** One of its bits was turned over since its index was made. */
  isDamaged: boolean
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
  return code === 'ENOSPC' || code === 'EIO' || code === 'ERR_STORE_CORRUPT' || isDiskFailure(error.cause)
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
  /** Told when a host tells a node that it lacks what it gave it (spec 28.11). */
  onTold: ((name: string, lacking: readonly Uint8Array[]) => void) | undefined
  readonly #damaged: Set<string> = new Set()
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
      note: (node, message) => this.#note(`${node}: ${message}`),
      told: (node, lacking) => this.onTold?.(node, lacking)
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
        imageMs: undefined,
        putBack: [],
        isDamaged: false,
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

  async keepImage(name: string): Promise<void> {
    const place = this.#place(name)
    await place.machine.keepImage()
    place.imageMs = this.time.now()
  }

  /** The disk of the store is put back to the image, and a process starts on it. @returns false without an image */
  async putBack(name: string): Promise<boolean> {
    await this.#places.get(name)?.starting?.catch(() => undefined)
    const place = this.#place(name)
    if (place.imageMs === undefined || place.isDestroyed) return false
    if (place.node === undefined) await place.machine.kill()
    else await this.crash(name, 'process')
    await place.machine.putBack()
    place.putBack.push({ fromMs: place.imageMs, toMs: this.time.now() })
    place.imageMs = undefined
    await this.startNode(name)
    return true
  }

  /** True when what came to this machine between these moments is on it still, as far as its disk was not damaged. */
  keeps(name: string, fromMs: number, toMs: number = fromMs): boolean {
    const { isDestroyed, putBack } = this.#place(name)
    return !isDestroyed && !putBack.some((span) => span.fromMs <= toMs && fromMs <= span.toMs)
  }

  /** True when this machine is gone for good, or its disk was put back; false for a name that is none. */
  hasLost(name: string): boolean {
    const place = this.#places.get(name)
    return place !== undefined && (place.isDestroyed || place.putBack.length > 0)
  }

  /** How many machines lost what they had promised to keep. */
  get losses(): number {
    return [...this.#places.values()].reduce(
      (sum, { isDestroyed, putBack }) => sum + putBack.length + Number(isDestroyed),
      0
    )
  }

  /** A bit of its disk is another one. @returns where, for the trace */
  flipBit(name: string, where: 'content' | 'index', random: SeededRandom): string | undefined {
    const place = this.#place(name)
    const what =
      where === 'content'
        ? place.machine.flipContentBit(random)
        : place.machine.flipIndexBit(random)
          ? 'the index'
          : undefined
    if (what !== undefined) place.isDamaged = true
    if (what !== undefined && where === 'content') this.#damaged.add(name)
    return what
  }

  /** Machines whose content was damaged, and on which a process runs that can tell of what: each once for its damages. */
  takeDamaged(): readonly string[] {
    const names = [...this.#damaged].filter((name) => this.node(name) !== undefined)
    for (const name of names) this.#damaged.delete(name)
    return names
  }

  /** What an owner does whose node says that its disk is damaged: the index is made again, content is read through. */
  async makeIndexAgain(name: string): Promise<void> {
    const place = this.#place(name)
    if (!place.isDamaged) return
    await this.crash(name, 'process')
    place.machine.removeIndex()
    place.isDamaged = false
    await this.startNode(name)
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
