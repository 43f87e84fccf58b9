/**
 * The owner of the tree at work, with the root key: lets visitors into a share and puts them out again, and replaces the
 * root key. Visitors write and read wherever they get in, also after they were put out; the thief of a former root key
 * tries what it could before.
 */
import { type Id, type Principal, type TreeState, capScope, currentRoot, right } from '@blocktree/tree'
import { createSeededRandom, type SeededRandom } from '@blocktree/crypto/seeded-random'
import { principalNamed } from './founding.ts'
import { isWhole } from './is-whole.ts'
import type { SimulatedNode } from './node.ts'
import type { Simulation } from './simulation.ts'

/** A revocation that was acknowledged, by the machine that holds it since that moment. */
interface Revoked {
  readonly by: string
  readonly atMs: number
  /** For each thing that was taken back its revocations, of which one is enough. */
  readonly records: readonly (readonly Id[])[]
}

interface PutOut {
  readonly versionsKnown: ReadonlySet<string>
  /** Of the cap and of the grant; undefined once the only machine that held it was damaged there. */
  cap: Revoked | undefined
  grant: Revoked | undefined
}

export interface Visitor {
  readonly principal: Principal
  readonly cap: Id
  readonly grant: Id
  /** Set once its revocation was acknowledged. */
  putOut: PutOut | undefined
  /** Headers that it wrote, as hexadecimal digits, wherever. */
  readonly written: Set<string>
  /** Headers that members wrote on nodes that knew that it was out, and those who put it out. */
  readonly secrets: Set<string>
}

export interface WorkTools {
  readonly isOver: () => boolean
  readonly sleep: (milliseconds: number) => Promise<void>
  /** Runs it on the node, unless none runs there. */
  readonly attempt: (name: string, work: (node: SimulatedNode) => Promise<void>) => Promise<void>
}

const share = '/guests'
const pauseMs = 40_000
const visitorsMax = 4
const generationsMax = 3

export class OwnerAtWork {
  readonly #simulation: Simulation
  readonly #tools: WorkTools
  readonly #random: SeededRandom
  readonly #replacesRoot: boolean
  readonly visitors: Visitor[] = []
  #roots = 0
  #files = 0
  #invited = 0
  /** Visitors who were put out again, since a change of the root key had undone it. */
  repeated = 0

  /** @param replacesRoot the root key is lost, and replaced, now and then */
  constructor(simulation: Simulation, seed: string, replacesRoot: boolean, tools: WorkTools) {
    this.#replacesRoot = replacesRoot
    this.#simulation = simulation
    this.#tools = tools
    this.#random = createSeededRandom(`${seed} owner`)
  }

  start(): readonly Promise<void>[] {
    return [this.#own(), this.#visit()]
  }

  get successions(): number {
    return this.#roots
  }

  async #own(): Promise<void> {
    while (!this.#tools.isOver()) {
      await this.#tools.sleep(this.#random.number() * pauseMs)
      await this.#tools.attempt(this.#random.pick(this.#simulation.surviving), async (node) => {
        const chance = this.#random.number()
        if (chance < 0.4) await this.#letIn(node)
        else if (chance < 0.7) await this.#putOut(node)
        else if (chance < 0.78) await this.#succeedBesideRevocation(node)
        else if (chance < 0.84) await this.#tryFormerRoot(node)
        else await this.#writeSecret(node)
      })
    }
  }

  /** Wherever a visitor gets in. */
  async #visit(): Promise<void> {
    while (!this.#tools.isOver()) {
      await this.#tools.sleep((this.#random.number() * pauseMs) / 2)
      if (this.visitors.length === 0) continue
      const visitor = this.#random.pick(this.visitors)
      await this.#tools.attempt(this.#random.pick(this.#simulation.surviving), async (node) => {
        const actor = node.files.actor(visitor.principal)
        const path = `${share}/visit-${++this.#files}`
        const { versionId } = await node.files.create(actor, path, this.#random.bytes(50))
        visitor.written.add(versionId.toHex())
      })
    }
  }

  async #letIn(node: SimulatedNode): Promise<void> {
    if (this.visitors.length < visitorsMax) await this.letIn(node)
  }

  async letIn(node: SimulatedNode): Promise<Visitor> {
    const root = node.files.actor(this.rootAt(node))
    const name = `visitor ${++this.#invited}` // also when its cap is never acknowledged: it would have two then
    const principal = principalNamed(node.files.context.crypto, name)
    const { grant } = await node.sharing.issueGrant(root, {
      path: share,
      to: { principal: principal.record }
    })
    const rights = right.write | right.create
    const { cap } = await node.sharing.issueWriteCap(root, { path: share, to: principal.record, rights })
    const parts = { principal, cap: cap.id, grant: grant.id, putOut: undefined }
    const visitor: Visitor = { ...parts, written: new Set(), secrets: new Set() }
    this.visitors.push(visitor)
    return visitor
  }

  async #putOut(node: SimulatedNode): Promise<void> {
    const inside = this.visitors.filter(({ putOut }) => putOut === undefined)
    if (inside.length === 0) return
    const visitor = this.#random.pick(inside)
    const { authority } = node.tree
    if (authority.cap(visitor.cap) === undefined || authority.grant(visitor.grant) === undefined) return
    await this.takeBack(node, visitor)
    await this.#writeSecret(node)
  }

  /** Both rights, with the root key that the node knows. */
  async takeBack(node: SimulatedNode, visitor: Visitor): Promise<void> {
    const { authority } = node.tree
    const root = node.files.actor(this.rootAt(node))
    await node.sharing.revokeReader(root, visitor.grant)
    const known = [...visitor.written].filter((id) => node.tree.record(Uint8Array.fromHex(id)) !== undefined)
    await node.sharing.revokeCap(root, visitor.cap)
    const since = [...visitor.written].filter((id) => node.tree.record(Uint8Array.fromHex(id)) !== undefined)
    visitor.putOut = {
      versionsKnown: new Set([...known, ...since]),
      cap: this.#revoked(node, [authority.revocationsOf(visitor.cap)]),
      grant: this.#revoked(node, [authority.grantRevocationsOf(visitor.grant)])
    }
  }

  /**
   * When all nodes agree again: what was taken back with a root key that had been replaced already is listed on every node
   * (MODEL E12 and B.2), and is taken back again with the new one.
   * @returns what is not listed and counts still
   */
  async repeatUndone(): Promise<readonly string[]> {
    const missed: string[] = []
    for (const visitor of this.visitors) {
      const { putOut } = visitor
      const [isCapRevoked, isGrantRevoked] = [this.isKept(putOut?.cap), this.isKept(putOut?.grant)]
      if (!isCapRevoked && !isGrantRevoked) continue
      for (const node of this.#simulation.running()) {
        const undone = node.sharing.undoneRevocations().map(({ target }) => target.toHex())
        const isListed = (kind: 'cap' | 'grant', what: readonly Id[]): void => {
          if (what.every((id) => undone.includes(id.toHex()))) return
          missed.push(`${kind} of ${visitor.principal.id.toHex().slice(0, 8)} on ${node.identity.name}`)
        }
        isListed('cap', isCapRevoked && this.#mayWrite(node, visitor) ? [visitor.cap] : [])
        isListed('grant', isGrantRevoked ? this.#liveGrants(node, visitor) : [])
      }
      await this.#putOutAgain(visitor)
    }
    return missed
  }

  async #putOutAgain(visitor: Visitor): Promise<void> {
    const [node] = this.#simulation.running()
    if (node === undefined) return
    const grants = this.#liveGrants(node, visitor)
    const isWriter = this.#mayWrite(node, visitor)
    if (grants.length === 0 && !isWriter) return
    const root = node.files.actor(this.rootAt(node))
    for (const grant of grants) await node.sharing.revokeReader(root, grant)
    if (isWriter) await node.sharing.revokeCap(root, visitor.cap)
    this.repeated++
    visitor.secrets.clear()
    const { authority } = node.tree
    visitor.putOut = {
      versionsKnown: new Set(visitor.written),
      cap: this.#revoked(node, [authority.revocationsOf(visitor.cap)]),
      grant: this.#revoked(
        node,
        grants.map((grant) => authority.grantRevocationsOf(grant))
      )
    }
    await this.#writeSecret(node)
  }

  #revoked({ identity }: SimulatedNode, revocations: readonly (readonly { readonly id: Id }[])[]): Revoked {
    const records = revocations.map((each) => each.map(({ id }) => id))
    return { by: identity.name, atMs: this.#simulation.time.now(), records }
  }

  /** A machine that is lost for good, or put back, takes along what it alone knew, revocations too. */
  isKept(revoked: Revoked | undefined): boolean {
    return revoked !== undefined && this.#simulation.keeps(revoked.by, revoked.atMs)
  }

  /** After a bit of its disk flipped: a revocation that it cannot read back stands where else it has come to, if anywhere. */
  damaged(name: string): void {
    for (const { putOut } of this.visitors) {
      if (putOut === undefined) continue
      putOut.cap = this.#afterDamage(name, putOut.cap)
      putOut.grant = this.#afterDamage(name, putOut.grant)
    }
  }

  #afterDamage(name: string, revoked: Revoked | undefined): Revoked | undefined {
    if (revoked?.by !== name) return revoked
    const { records } = revoked
    const holds = (node: SimulatedNode): boolean =>
      records.every((ids) => ids.some((id) => isWhole(node, id)))
    const running = this.#simulation.running()
    if (running.some((node) => node.identity.name === name && holds(node))) return revoked
    const holder = running.find(holds)
    return holder && { by: holder.identity.name, atMs: this.#simulation.time.now(), records }
  }

  #mayWrite({ tree, files }: SimulatedNode, { cap, principal }: Visitor): boolean {
    const target = tree.authority.cap(cap)
    const zone = target && capScope(files.context.crypto, target.body)
    return (
      zone !== undefined &&
      tree.capFor(principal.id, { block: zone, home: zone, rights: right.write }) !== undefined
    )
  }

  #liveGrants({ tree }: SimulatedNode, { grant, principal }: Visitor): readonly Id[] {
    const target = tree.authority.grant(grant)?.body.target
    const live = target === undefined ? [] : tree.liveGrants(target)
    return live.filter(({ body }) => body.recipient.toHex() === principal.id.toHex()).map(({ id }) => id)
  }

  /** What nobody may read who was put out, as far as this node knows of it. */
  async #writeSecret(node: SimulatedNode): Promise<void> {
    const path = `${share}/secret-${++this.#files}`
    const { versionId } = await node.files.create(node.owner, path, this.#random.bytes(50))
    for (const visitor of this.visitors) {
      if (visitor.putOut !== undefined && this.#isOutAt(node, visitor)) visitor.secrets.add(versionId.toHex())
    }
  }

  #isOutAt({ tree }: SimulatedNode, { grant, principal }: Visitor): boolean {
    const target = tree.authority.grant(grant)?.body.target
    if (target === undefined) return false
    return !tree.liveGrants(target).some(({ body }) => body.recipient.toHex() === principal.id.toHex())
  }

  /** At times somebody is put out elsewhere at that moment, with the former root. */
  async #succeedBesideRevocation(node: SimulatedNode): Promise<void> {
    const elsewhere = this.#random.pick(this.#simulation.surviving)
    const isBeside = this.#replacesRoot && elsewhere !== node.identity.name && this.#random.chance(0.5)
    const beside = isBeside
      ? this.#tools.attempt(elsewhere, async (other) => await this.#putOut(other))
      : undefined
    await Promise.all([this.#succeed(node), beside])
  }

  async #succeed(node: SimulatedNode): Promise<void> {
    if (!this.#replacesRoot || this.#roots >= generationsMax - 1) return
    const { crypto } = node.files.context
    const next = this.#roots + 1
    await node.sharing.succeedRoot(node.owner, {
      recovery: principalNamed(crypto, `recovery ${this.#roots}`),
      newRoot: principalNamed(crypto, `root ${next}`),
      newRecovery: principalNamed(crypto, `recovery ${next}`).id
    })
    this.#roots = next
  }

  /** Must be refused, or be without effect: all members may still write at the end. */
  async #tryFormerRoot(node: SimulatedNode): Promise<void> {
    if (this.#roots === 0) return
    const { crypto } = node.files.context
    const former = principalNamed(crypto, `root ${this.#roots - 1}`)
    // a succession that one machine alone knew may be lost with it: then nobody stole anything
    const knowing = this.#simulation.running().filter(({ tree }) => !isRoot(tree, former))
    if (knowing.length < Math.min(2, this.#simulation.running().length)) return
    const thief = node.files.actor(former)
    const caps = node.tree.authority.capsOf(node.identity.principal.id)
    if (caps.length > 0) await node.sharing.revokeCap(thief, this.#random.pick(caps).id)
  }

  /** The root that this node knows: where a succession has not come yet, the former one. */
  rootAt(node: SimulatedNode): Principal {
    const { crypto } = node.files.context
    const known = currentRoot(node.tree.authority)
    for (let generation = 0; generation < generationsMax; generation++) {
      const root = principalNamed(crypto, `root ${generation}`)
      if (known?.toHex() === root.id.toHex()) return root
    }
    throw new Error('the tree has a root that nobody made')
  }
}

function isRoot({ authority }: TreeState, { id }: Principal): boolean {
  return currentRoot(authority)?.toHex() === id.toHex()
}
