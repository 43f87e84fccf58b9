/**
 * People at work on every node: they create, change, move, remove and read files, some of them the same ones at the same
 * time, and take locks. What was acknowledged to them is written down, to be looked for at the end.
 */
import type { WriteReply } from '@blocktree/files'
import { isWhole } from './is-whole.ts'
import type { SimulatedNode } from './node.ts'
import { OwnerAtWork } from './owner-at-work.ts'
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
  /** Nodes that keep it as far as their receipts say; the one that wrote it is among them. */
  readonly holders: readonly Holder[]
}

/** It came to hold it at some time between the two. */
export interface Holder {
  readonly node: string
  readonly fromMs: number
  readonly toMs: number
}

/** A write under a token that was let through. */
export interface FencedWrite {
  readonly node: string
  readonly token: number
  readonly beganMs: number
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
const lock = { principal: undefined, ttlMs: 5000, waitMs: 10_000 }

export class Workload {
  readonly #simulation: Simulation
  readonly #random: SeededRandom
  readonly acknowledged: Acknowledged[] = []
  readonly removed: Set<string> = new Set()
  readonly locks: HeldLock[] = []
  readonly fenced: FencedWrite[] = []
  /** Operations that were refused, by code. */
  readonly refusals: Map<string, number> = new Map()
  /** Errors without a code: a defect wherever they come from. */
  readonly surprises: string[] = []
  readonly owner: OwnerAtWork
  /** Writes of nodes that had been told that they went back, and had not caught up. */
  readonly tooEarly: string[] = []
  reads = 0
  #files = 0
  #isOver = false
  /** What a node was told last to lack, and what it had written itself and lacked then. */
  readonly #told: Map<
    string,
    { readonly lacking: readonly Uint8Array[]; readonly forgotten: readonly Uint8Array[] }
  > = new Map()
  #workers: readonly Promise<void>[] = []

  constructor(simulation: Simulation, seed: string, replacesRoot = false) {
    this.#simulation = simulation
    this.owner = new OwnerAtWork(simulation, seed, replacesRoot, {
      isOver: () => this.#isOver,
      sleep: (milliseconds) => this.#sleep(milliseconds),
      attempt: (name, work) => this.#attempt(name, work)
    })
    this.#random = createSeededRandom(`${seed} workload`)
    simulation.onTold = (name, lacking) => this.#noteTold(name, lacking)
  }

  start(): void {
    const { names } = this.#simulation
    const members = names.flatMap((name) => [this.#write(name), this.#write(name), this.#lock(name)])
    this.#workers = [...members, ...this.owner.start()]
  }

  /** No new operations; resolves when the last have ended. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#simulation.time.until(Promise.all(this.#workers), 3_600_000)
  }

  /** After a bit of its disk flipped: what this machine cannot read back any more it does not hold any longer. */
  damaged(name: string): void {
    const node = this.#simulation.node(name)
    if (node === undefined) return
    this.owner.damaged(name)
    for (const [index, written] of this.acknowledged.entries()) {
      const { version, holders } = written
      if (!holders.some((holder) => holder.node === name) || isWhole(node, version)) continue
      this.acknowledged[index] = { ...written, holders: holders.filter((holder) => holder.node !== name) }
    }
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
        else if (kind < 0.85) await this.#move(node)
        else if (kind < 0.9) await this.#moveDirectory(node)
        else await this.#read(node)
      })
      await this.#sleep(this.#random.number() * pauseMs)
    }
  }

  async #create(node: SimulatedNode): Promise<void> {
    const path = `/own/${node.identity.name}-${++this.#files}`
    const content = this.#random.bytes(1 + this.#random.below(this.#random.chance(0.1) ? 20_000 : 300))
    const reply = await this.#unlessBack(node, () => node.files.create(node.owner, path, content))
    await this.#acknowledge(node, path, reply, content)
  }

  /** Somebody changes one of the shared files; fails as the node does. */
  async changeOnce(node: SimulatedNode): Promise<void> {
    await this.#change(node)
  }

  async #change(node: SimulatedNode): Promise<void> {
    const path = `/shared/${this.#random.below(sharedFiles)}`
    const content = this.#random.bytes(20 + this.#random.below(200))
    const reply = await this.#unlessBack(node, () =>
      node.files.create(node.owner, path, content, { replace: true })
    )
    await this.#acknowledge(node, path, reply, undefined)
  }

  /** Notes a write that a node acknowledges although it was shown that it went back, and has not caught up (spec 28.11). */
  async #unlessBack<Reply>(node: SimulatedNode, write: () => Promise<Reply>): Promise<Reply> {
    const before = this.#forgottenBy(node)
    const reply = await write()
    const still = this.#forgottenBy(node).filter((id) => before.includes(id))
    const { name } = node.identity
    if (still.length > 0 && this.#simulation.node(name) === node)
      this.tooEarly.push(`${name} wrote while it lacked ${still.length} versions that it had written before`)
    return reply
  }

  /**
   * What a node that was shown one of its own forgotten versions lacks still, of what everybody else held when it was told:
   * whoever is in step with any of them has it.
   */
  #forgottenBy({ identity, store, tree }: SimulatedNode): readonly string[] {
    const told = this.#told.get(identity.name)
    const isOwn = (id: Uint8Array): boolean =>
      tree.header(id, false)?.signer.toHex() === identity.principal.id.toHex()
    if (told === undefined || !told.lacking.some(isOwn)) return []
    return told.forgotten.filter((id) => !store.hasRecord(id)).map((id) => id.toHex())
  }

  #noteTold(name: string, lacking: readonly Uint8Array[]): void {
    const node = this.#simulation.node(name)
    if (node === undefined || lacking.length === 0) return
    const others = this.#simulation.running().filter((other) => other !== node)
    const forgotten = this.acknowledged
      .filter((written) => written.node === name)
      .map(({ version }) => version)
      .filter((id) => !node.store.hasRecord(id) && others.every(({ store }) => store.hasRecord(id)))
    this.#told.set(name, { lacking, forgotten })
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

  /** One of a few under another of them: two nodes that do it apart may make a cycle. */
  async #moveDirectory(node: SimulatedNode): Promise<void> {
    const { movedBlocks } = this.#simulation
    const { files, owner } = node
    const [source, target] = [this.#random.pick(movedBlocks), this.#random.pick(movedBlocks)]
    const [from, to] = [files.pathOf(owner, source), files.pathOf(owner, target)]
    if (from === undefined || to === undefined || from === to) return
    await files.move(owner, from, `${this.#random.chance(0.3) ? '/shared' : to}/moved-${++this.#files}`)
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
    const fromMs = this.#simulation.time.now()
    const { name } = node.identity
    const holders: Holder[] = [{ node: name, fromMs, toMs: fromMs }]
    const written = { node: name, path, version, block, content }
    const index = this.acknowledged.push({ ...written, holders }) - 1
    if (!this.#random.chance(0.2)) return
    const report = await node.sync.waitFor([version], { copies: 2, timeoutMs: 5000 })
    const toMs = this.#simulation.time.now()
    const told = report.holders.map((id) => this.#simulation.nameOf(id)).filter((holder) => holder !== name)
    const others = told.map((holder): Holder => ({ node: holder, fromMs, toMs }))
    this.acknowledged[index] = { ...written, holders: [...holders, ...others] }
  }

  /** Holds the lock for a while, longer than the lease at times, and writes under its token; also when it is over. */
  async #lock(name: string): Promise<void> {
    while (!this.#isOver) {
      await this.#attempt(name, async (node) => {
        const block = this.#simulation.lockedBlock
        const lease = await node.locks.acquire(block, lock)
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
        await this.#sleep(this.#random.number() * 2 * lock.ttlMs)
        if (this.#random.chance(0.5)) await lease.release()
        if (this.#random.chance(0.2)) await this.#sleep(this.#random.number() * pauseMs)
        await this.#writeUnder(node, block, lease.token)
        await lease.release()
      })
      await this.#sleep(this.#random.number() * pauseMs)
    }
  }

  async #writeUnder(node: SimulatedNode, block: Uint8Array, token: number): Promise<void> {
    const beganMs = this.#simulation.time.now()
    await node.locks.fenced(block, token, async () => {
      this.fenced.push({ node: node.identity.name, token, beganMs })
      const path = node.files.pathOf(node.owner, block)
      if (path === undefined) return
      const reply = await node.files.create(node.owner, path, this.#random.bytes(20), { replace: true })
      await this.#acknowledge(node, path, reply, undefined)
    })
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
