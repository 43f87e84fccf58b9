/**
 * The background check (spec 28, section 9): of what others promised, by challenges over sectors drawn at random, and of
 * what is held here, by reading it. What is damaged or missing here is fetched again; a holder that fails loses its
 * standing as one, and what it promised is asked for anew.
 */
import {
  type BlockStore,
  type HeaderRecord,
  type Id,
  type PayloadDescriptor,
  type TreeState,
  recordType
} from '@blocktree/tree'
import type { HolderTrust } from './holder-trust.ts'
import { challengeSectorsMax } from './limits.ts'
import { encodeChallengeAsk } from './messages.ts'
import { partsOf, payloadOf } from './payload-parts.ts'
import type { PayloadQueue } from './payload-queue.ts'
import type { PeerLink } from './peer-link.ts'
import type { SyncPorts } from './ports.ts'
import type { PromiseBook } from './promise-book.ts'
import type { Scope } from './scope.ts'

export interface ScrubReport {
  /** Promises that were asked for proof, and how many gave none. */
  readonly challenged: number
  readonly failed: number
  /** Payloads read here, parts found damaged or missing, payloads whole again. */
  readonly payloads: number
  readonly damagedParts: number
  readonly repaired: number
}

export interface ScrubOptions {
  readonly signal: AbortSignal
  /** Promises asked in this run; default 256. */
  readonly challengesMax?: number
  /** Bytes read here in this run; default 256 MiB. */
  readonly bytesMax?: number
}

export interface ScrubberDeps {
  readonly ports: SyncPorts
  readonly treeId: Id
  readonly book: PromiseBook
  readonly payloads: PayloadQueue
  readonly links: () => Iterable<PeerLink>
  readonly scopeOf: (link: PeerLink) => Scope
  readonly trust: HolderTrust
  readonly sleep: (milliseconds: number) => Promise<void>
  /** False for content that is not here and need not be. */
  readonly isExpected: (header: HeaderRecord) => boolean
}

const busyMs = 1000
const busyTriesMax = 5
const repairMs = 60_000 // until a part that nobody gives is left for the next run

export class Scrubber {
  readonly #deps: ScrubberDeps
  /** Where the last run stopped. */
  #afterPromise: Uint8Array | undefined
  #afterBlock: Uint8Array = new Uint8Array(0)

  constructor(deps: ScrubberDeps) {
    this.#deps = deps
  }

  async run(options: ScrubOptions): Promise<ScrubReport> {
    const promises = await this.#challengeAll(options)
    const own = await this.#readOwn(options)
    return { ...promises, ...own }
  }

  async #challengeAll({
    signal,
    challengesMax = 256
  }: ScrubOptions): Promise<{ challenged: number; failed: number }> {
    let challenged = 0
    let failed = 0
    const links = new Map([...this.#deps.links()].map((link) => [link.principal.toHex(), link]))
    const due: { readonly record: Id; readonly holder: Id }[] = []
    for await (const { record, promised } of this.#deps.book.all(this.#afterPromise)) {
      if (due.length >= challengesMax || signal.aborted) break
      this.#afterPromise = joined(record, promised.holder)
      if (links.has(promised.holder.toHex()) && promised.coverage === 'payload')
        due.push({ record, holder: promised.holder })
    }
    if (due.length < challengesMax) this.#afterPromise = undefined
    for (const { record, holder } of due) {
      const link = links.get(holder.toHex())
      if (link === undefined || signal.aborted) continue
      const isGood = await this.check(link, record, signal)
      if (isGood === undefined) continue
      challenged++
      if (!isGood) failed++
    }
    return { challenged, failed }
  }

  /**
   * Has the peer prove now that it keeps the payload of a record, and remembers the outcome.
   * @returns undefined when it cannot be told: nothing to prove with, or the way is cut
   */
  async check(
    link: PeerLink,
    record: Id,
    signal: AbortSignal,
    partsMax: number = challengeSectorsMax
  ): Promise<boolean | undefined> {
    const outcome = await this.#challenge(link, record, signal, partsMax)
    if (outcome === undefined) return undefined
    if (outcome === 'evaded' && !this.#deps.trust.evaded(link.principal)) return undefined
    const isGood = outcome === true
    await this.#deps.book.check(record, link.principal, isGood)
    if (isGood) this.#deps.trust.proved(link.principal)
    return isGood
  }

  /** The same over one part of what it promised a moment ago: nobody honest lost or let go of that. */
  async checkFresh(link: PeerLink, record: Id, signal: AbortSignal): Promise<boolean | undefined> {
    const isGood = await this.check(link, record, signal, 1)
    if (isGood !== false) return isGood
    link.standing.blame(1, 'ERR_SYNC_WRONG_RECEIPT')
    const isOver = this.#deps.trust.broke(link.principal)
    this.#deps.ports.onNote?.({
      level: 'warn',
      message: isOver
        ? 'promises of a peer count no more: it does not keep them'
        : 'a peer does not keep what it promised',
      details: { code: 'ERR_SYNC_WRONG_RECEIPT', peer: link.name, record: record.toHex() }
    })
    return false
  }

  async #challenge(
    link: PeerLink,
    record: Id,
    signal: AbortSignal,
    partsMax: number
  ): Promise<boolean | 'evaded' | undefined> {
    const { ports, treeId, scopeOf } = this.#deps
    const payload = payloadOf(ports.tree.record(record))
    const parts = payload === undefined ? [] : this.#provable(record, payload)
    if (parts.length === 0) return undefined
    const drawn = this.#draw(record, parts).slice(0, partsMax)
    if (drawn.length === 0) return undefined // a proof over nothing would prove nothing
    const nonce = ports.random.bytes(16)
    const ask = {
      tree: treeId,
      scope: scopeOf(link),
      nonce,
      owner: record,
      references: drawn.map(({ id }) => id)
    }
    const proof = await this.#ask(link, encodeChallengeAsk(ask), signal)
    if (!(proof instanceof Uint8Array)) return proof
    return proof.toHex() === ports.crypto.sha256(joined(nonce, ...drawn.map(({ bytes }) => bytes))).toHex()
  }

  /** The proof; false for an answer that there is none; `evaded` when nothing comes though the peer is connected. */
  async #ask(
    link: PeerLink,
    ask: Uint8Array,
    signal: AbortSignal
  ): Promise<Uint8Array | false | 'evaded' | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        return await link.connection.request('sync.challenge', ask, { signal })
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined
        if (signal.aborted || link.ending.signal.aborted || code === 'ERR_NETWORK_CLOSED') return undefined
        if (code === 'ERR_SYNC_FORBIDDEN' || code === 'ERR_SYNC_CLOSED') return undefined
        if (code === 'ERR_NETWORK_TIMEOUT') return 'evaded'
        if (code !== 'ERR_SYNC_BUSY' && code !== 'ERR_NETWORK_BUSY') return false
        if (tries >= busyTriesMax) return 'evaded'
        await this.#deps.sleep(busyMs) // it may have much to do; without end it has not
      }
    }
  }

  /** Parts that are held here whole: only with those a proof can be checked. */
  #provable(record: Id, payload: PayloadDescriptor): readonly Id[] {
    const { store } = this.#deps.ports
    if (payload.levels === 0 && store.readRecord(record)?.inline !== undefined) return [payload.rootHash]
    return partsOf(store, payload).filter((id) => store.hasSector(id))
  }

  #draw(record: Id, parts: readonly Id[]): readonly { readonly id: Id; readonly bytes: Uint8Array }[] {
    const drawn: { readonly id: Id; readonly bytes: Uint8Array }[] = []
    const dice = this.#deps.ports.random.bytes(challengeSectorsMax * 4)
    const view = new DataView(dice.buffer, dice.byteOffset, dice.byteLength)
    for (let count = 0; count < challengeSectorsMax; count++) {
      const id = parts[view.getUint32(count * 4) % parts.length]
      const { store } = this.#deps.ports
      // what travels beside its header is in no sector
      const bytes = id === undefined ? undefined : (readWhole(store, id) ?? store.readRecord(record)?.inline)
      if (id !== undefined && bytes !== undefined) drawn.push({ id, bytes })
    }
    return drawn
  }

  async #readOwn({
    signal,
    bytesMax = 256 * 1024 * 1024
  }: ScrubOptions): Promise<Omit<ScrubReport, 'challenged' | 'failed'>> {
    const { tree, store } = this.#deps.ports
    let [payloads, damagedParts, repaired, bytes] = [0, 0, 0, 0]
    let isEnd = true
    const look = async (owner: Id, payload: PayloadDescriptor): Promise<void> => {
      payloads++
      const read = this.#damagedIn(payload)
      bytes += read.bytes
      if (read.damaged === 0) return
      damagedParts += read.damaged
      if (await this.#repair(owner, signal)) repaired++
    }
    if (this.#afterBlock.length === 0)
      for (const { id, manifest } of manifestsOf(tree)) if (!signal.aborted) await look(id, manifest)
    for await (const { block, tips } of tree.blockTips({ from: this.#afterBlock })) {
      if (signal.aborted || bytes >= bytesMax) {
        this.#afterBlock = block
        isEnd = false
        break
      }
      for (const tip of tips.map((id) => id.slice())) {
        const record = tree.record(tip)
        const payload = payloadOf(record)
        if (
          record?.type !== recordType.header ||
          payload === undefined ||
          store.readRecord(tip)?.inline !== undefined ||
          !this.#deps.isExpected(record)
        )
          continue
        await look(tip, payload)
      }
    }
    if (isEnd) this.#afterBlock = new Uint8Array(0)
    return { payloads, damagedParts, repaired }
  }

  #damagedIn(payload: PayloadDescriptor): { readonly damaged: number; readonly bytes: number } {
    const { store, crypto } = this.#deps.ports
    let damaged = 0
    let bytes = 0
    for (const id of partsOf(store, payload)) {
      const part = readWhole(store, id)
      bytes += part?.length ?? 0
      if (part === undefined || crypto.sha256(part).toHex() !== id.toHex()) damaged++
    }
    return { damaged, bytes }
  }

  async #repair(owner: Id, signal: AbortSignal): Promise<boolean> {
    const ended = new AbortController()
    const cancel = this.#deps.ports.pace.after(repairMs, () => ended.abort())
    try {
      return await this.#deps.payloads.fetchNow(owner, AbortSignal.any([signal, ended.signal]), true)
    } finally {
      cancel()
    }
  }
}

/** Of checkpoints: what a cut or an anchor says rests on them. */
function* manifestsOf({
  authority
}: TreeState): Generator<{ readonly id: Id; readonly manifest: PayloadDescriptor }> {
  for (const record of [...authority.records()]) {
    const manifest = record.type === recordType.checkpoint ? payloadOf(record) : undefined
    if (manifest !== undefined) yield { id: record.id, manifest }
  }
}

function readWhole(store: BlockStore, id: Id): Uint8Array | undefined {
  try {
    return store.readSector(id)
  } catch {
    return undefined
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
