/**
 * People at work on every node: they create, change, move, remove and read files, some of them the same ones at the same
 * time, and take locks. What was acknowledged to them is written down, to be looked for at the end.
 */
import type { Lease } from '@blocktree/coordinator'
import type { WriteReply } from '@blocktree/files'
import type { SimulatedNode } from './node.ts'
import { type SeededRandom, createSeededRandom } from '@blocktree/crypto/seeded-random'
import type { Simulation } from './simulation.ts'

/** A write that was acknowledged. */
export interface Acknowledged {
  readonly node: string
  readonly path: string
  /** The header. */
  readonly version: Uint8Array
  readonly block: Uint8Array
  /** Content of a new file that nobody else writes; undefined for shared ones, moves and removals. */
  readonly content: Uint8Array | undefined
  /** Nodes that promised to keep it, when somebody waited for that. */
  readonly copies: number
}

export interface HeldLock {
  readonly node: string
  readonly token: number
  readonly fromMs: number
  /** Infinity while it is held. */
  toMs: number
}

const sharedFiles = 5
const pauseMs = 30_000
const answerMs = 30_000
const lock = { ttlMs: 5000, waitMs: 10_000 }

export class Workload {
  readonly #simulation: Simulation
  readonly #random: SeededRandom
  readonly acknowledged: Acknowledged[] = []
  readonly removed: Set<string> = new Set()
  readonly locks: HeldLock[] = []
  /** Operations that were refused, by code. */
  readonly refusals: Map<string, number> = new Map()
  /** Errors without a code: a defect wherever they come from. */
  readonly surprises: string[] = []
  reads = 0
  #files = 0
  #isOver = false
  #workers: readonly Promise<void>[] = []

  constructor(simulation: Simulation, seed: string) {
    this.#simulation = simulation
    this.#random = createSeededRandom(`${seed} workload`)
  }

  start(): void {
    this.#workers = this.#simulation.names.flatMap((name) => [
      this.#write(name),
      this.#write(name),
      this.#lock(name)
    ])
  }

  /** No new operations; resolves when the last have ended. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#simulation.time.until(Promise.all(this.#workers), 3_600_000)
  }

  /** A process is gone: what it held, it holds no longer. */
  crashed(name: string): void {
    const now = this.#simulation.time.now()
    for (const held of this.locks) if (held.node === name) held.toMs = Math.min(held.toMs, now)
  }

  async #write(name: string): Promise<void> {
    while (!this.#isOver) {
      await this.#attempt(name, async (node) => {
        const kind = this.#random.number()
        if (kind < 0.4) await this.#create(node)
        else if (kind < 0.7) await this.#change(node)
        else if (kind < 0.8) await this.#remove(node)
        else if (kind < 0.87) await this.#move(node)
        else await this.#read(node)
      })
      await this.#sleep(this.#random.number() * pauseMs)
    }
  }

  async #create(node: SimulatedNode): Promise<void> {
    const path = `/own/${node.identity.name}-${++this.#files}`
    const content = this.#random.bytes(1 + this.#random.below(this.#random.chance(0.1) ? 20_000 : 300))
    const reply = await node.files.create(node.owner, path, content)
    await this.#acknowledge(node, path, reply, content)
  }

  async #change(node: SimulatedNode): Promise<void> {
    const path = `/shared/${this.#random.below(sharedFiles)}`
    const content = this.#random.bytes(20 + this.#random.below(200))
    const reply = await node.files.create(node.owner, path, content, { replace: true })
    await this.#acknowledge(node, path, reply, undefined)
  }

  async #remove(node: SimulatedNode): Promise<void> {
    const written = this.#ownFile(node)
    if (written === undefined) return
    this.removed.add(written.path) // also when the answer never comes
    await node.files.remove(node.owner, written.path)
  }

  async #move(node: SimulatedNode): Promise<void> {
    const written = this.#ownFile(node)
    if (written === undefined) return
    this.removed.add(written.path)
    await node.files.move(node.owner, written.path, `${written.path}-moved`)
  }

  async #read(node: SimulatedNode): Promise<void> {
    const written = this.#ownFile(node)
    if (written?.content === undefined) return
    const { bytes } = node.files.read(node.owner, written.path)
    this.reads++
    const found = bytes
    if (!Buffer.from(found).equals(written.content)) {
      this.surprises.push(`${node.identity.name} read other bytes from ${written.path} than were written`)
    }
  }

  /** A file this node created and nobody moved or removed. */
  #ownFile(node: SimulatedNode): Acknowledged | undefined {
    const own = this.acknowledged.filter(
      ({ node: by, content, path }) =>
        by === node.identity.name && content !== undefined && !this.removed.has(path)
    )
    return own.length === 0 ? undefined : this.#random.pick(own)
  }

  async #acknowledge(
    node: SimulatedNode,
    path: string,
    reply: WriteReply,
    content: Uint8Array | undefined
  ): Promise<void> {
    const { versionId: version, block } = reply
    const written = { node: node.identity.name, path, version, block, content }
    const index = this.acknowledged.push({ ...written, copies: 1 }) - 1
    if (!this.#random.chance(0.2)) return
    const { kept } = await node.sync.waitFor([version], { copies: 2, timeoutMs: 5000 })
    this.acknowledged[index] = { ...written, copies: kept }
  }

  async #lock(name: string): Promise<void> {
    while (!this.#isOver) {
      await this.#attempt(name, async (node) => {
        const lease: Lease = await node.coordinator.acquire('lock', lock)
        const held: HeldLock = {
          node: name,
          token: lease.token,
          fromMs: this.#simulation.time.now(),
          toMs: Infinity
        }
        this.locks.push(held)
        lease.ended.addEventListener('abort', () => {
          held.toMs = Math.min(held.toMs, this.#simulation.time.now())
        })
        await this.#sleep(this.#random.number() * 3000)
        await lease.release()
      })
      await this.#sleep(this.#random.number() * pauseMs)
    }
  }

  /** A process that was killed never answers: nobody waits for ever. */
  async #attempt(name: string, work: (node: SimulatedNode) => Promise<void>): Promise<void> {
    const node = this.#simulation.node(name)
    if (node === undefined) return
    const done = work(node).catch((error: unknown) => {
      if (this.#simulation.node(name) !== node) return // it is gone, and its disk with it
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
      if (code === undefined)
        this.surprises.push(
          `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
        )
      else this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
    })
    await Promise.race([done, this.#sleep(answerMs)])
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#simulation.time.start(milliseconds, resolve)
    })
  }
}
