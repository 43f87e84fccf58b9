/** Asks others to promise what was written here, at once for who waits for it and later for all else (spec 28.9). */
import { CodecError } from '@blocktree/codec'
import { type HeaderRecord, type Id, type TakenRecord, recordType } from '@blocktree/tree'
import type { Claim } from './content-keeper.ts'
import type { HolderTrust } from './holder-trust.ts'
import { receiptBatchMs, receiptIdsMax } from './limits.ts'
import { decodeReceiptAnswer, encodeReceiptAsk } from './messages.ts'
import type { PeerLink, SyncConnection } from './peer-link.ts'
import type { SyncPorts } from './ports.ts'
import type { PromiseBook } from './promise-book.ts'
import type { Scope } from './scope.ts'
import { SyncError } from './sync-error.ts'
import type { SyncWork } from './sync-work.ts'
import type { ZoneHosts } from './zone-hosts.ts'

/** How far a write is kept: here and by so many others, of all nodes that may promise it. */
export interface PromiseReport {
  readonly kept: number
  readonly of: number
  readonly holders: readonly Id[]
}

export interface PromiseCollectorDeps {
  readonly ports: SyncPorts
  readonly treeId: Id
  readonly work: SyncWork
  readonly book: PromiseBook
  readonly trust: HolderTrust
  readonly hosts: ZoneHosts
  /** Peers that are spoken to. */
  readonly links: () => Iterable<PeerLink>
  /** What a peer gives us; empty before the first comparison. */
  readonly scopeOf: (link: PeerLink) => Scope
  readonly claimOf: (header: HeaderRecord) => Claim
  /** Asks for proof of a record; undefined when there is none to be had. */
  readonly checkFresh: (link: PeerLink, record: Id, signal: AbortSignal) => Promise<boolean | undefined>
}

const atOnceMs = 10_000 // an answer that waits for nothing
const askAgainMs = 500 // after a refusal, while somebody waits for a promise
const promiseMs = 30_000 // a peer that does not hold a write by then is asked with the next ones

export class PromiseCollector {
  readonly #deps: PromiseCollectorDeps
  #unpromised: TakenRecord[] = []
  #cancelPromises: (() => void) | undefined

  constructor(deps: PromiseCollectorDeps) {
    this.#deps = deps
  }

  close(): void {
    this.#cancelPromises?.()
  }

  /**
   * Waits until `copies` nodes, this one counted when it may promise, have promised to keep these headers with their
   * payloads, or the time is over.
   */
  async waitFor(
    records: readonly Id[],
    options: { readonly copies: number; readonly timeoutMs: number; readonly signal?: AbortSignal }
  ): Promise<PromiseReport> {
    const ended = new AbortController()
    const cancel = this.#deps.ports.pace.after(options.timeoutMs, () => ended.abort())
    const signal =
      options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal])
    try {
      const zones = this.#byZone(records)
      const reports = await Promise.all(
        [...zones.values()].map(({ zone, ids }) => this.#waitForZone(zone, ids, { ...options, signal }))
      )
      const least = reports.toSorted((left, right) => left.kept - right.kept)[0]
      return least ?? { kept: 0, of: 0, holders: [] }
    } finally {
      cancel()
    }
  }

  /** Asks for promises about what was written here, some time after it. */
  later(taken: readonly TakenRecord[]): void {
    for (const record of taken) if (record.type === recordType.header) this.#unpromised.push(record)
    if (this.#unpromised.length > 0)
      this.#cancelPromises ??= this.#deps.ports.pace.after(receiptBatchMs, () => {
        this.#cancelPromises = undefined
        this.#deps.work.run(this.#collectPromises())
      })
  }

  async #collectPromises(): Promise<void> {
    const taken = this.#unpromised.splice(0, 4 * receiptIdsMax)
    const zones = this.#byZone(taken.map(({ id }) => id))
    for (const { zone, ids } of zones.values()) {
      const ended = new AbortController()
      const cancel = this.#deps.ports.pace.after(promiseMs, () => ended.abort())
      const asked = this.promisers(zone).map((link) => this.ask(link, zone, ids, ended.signal))
      await Promise.allSettled(asked)
      cancel()
    }
    if (this.#unpromised.length > 0) this.later([])
  }

  async #waitForZone(
    zone: Id,
    ids: readonly Id[],
    { copies, signal }: { readonly copies: number; readonly signal: AbortSignal }
  ): Promise<PromiseReport> {
    const { self } = this.#deps.ports
    const expected = this.#deps.hosts.promisingIn(zone)
    const holders = new Map<string, Id>()
    if (self.promiseCap(zone) !== undefined && ids.every((id) => this.#isKept(id)))
      holders.set(self.principal.toHex(), self.principal)
    const report = (): PromiseReport => ({
      kept: holders.size,
      of: Math.max(expected.length, holders.size),
      holders: [...holders.values()]
    })
    if (holders.size >= copies) return report()
    const enough = Promise.withResolvers<void>()
    const asked = new Set<SyncConnection>()
    const askAll = (): Promise<unknown> =>
      Promise.allSettled(
        this.promisers(zone).map(async (link) => {
          if (asked.has(link.connection)) return
          asked.add(link.connection)
          const promised = await this.ask(link, zone, ids, signal).catch(async (error: unknown) => {
            if (error instanceof SyncError && error.code === 'ERR_SYNC_PEER_WRONG') throw error
            await this.#deps.work.sleep(askAgainMs) // one that has just connected may not hold the zone yet
            asked.delete(link.connection)
            throw error
          })
          if (promised.length < ids.length) return
          holders.set(link.principal.toHex(), link.principal)
          if (holders.size >= copies) enough.resolve()
        })
      )
    signal.addEventListener('abort', () => enough.resolve(), { once: true })
    if (signal.aborted) enough.resolve()
    this.#deps.work.run(this.#askUntil(askAll, signal))
    await enough.promise
    return report()
  }

  /** Peers that connect meanwhile are asked too. */
  async #askUntil(askAll: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#deps.work.isClosed) {
      void askAll()
      await this.#deps.work.progress(signal)
    }
  }

  async ask(
    link: PeerLink,
    zone: Id,
    ids: readonly Id[],
    signal: AbortSignal,
    coverage: 2 | 3 = 2
  ): Promise<readonly Id[]> {
    const scope = this.#deps.scopeOf(link)
    const promised: Id[] = []
    for (let at = 0; at < ids.length; at += receiptIdsMax) {
      const records = ids.slice(at, at + receiptIdsMax)
      const ask = encodeReceiptAsk({ tree: this.#deps.treeId, scope, zone, records, coverage })
      const answer = await link.connection.request('sync.receipt', ask, {
        signal: AbortSignal.any([signal, link.ending.signal]),
        timeoutMs: coverage === 3 ? atOnceMs : 60_000
      })
      promised.push(...(await this.#judgeReceipt(link, answer, { zone, records }, signal)))
    }
    return promised
  }

  /** The records that count as promised: a receipt of a liar is found out before it does. */
  async #judgeReceipt(
    link: PeerLink,
    answer: Uint8Array,
    asked: { readonly zone: Id; readonly records: readonly Id[] },
    signal: AbortSignal
  ): Promise<readonly Id[]> {
    let promised: readonly Id[]
    try {
      const { receipt, missing } = decodeReceiptAnswer(answer)
      const gone = new Set(missing.map((id) => id.toHex()))
      await this.#deps.book.retract(
        link.principal,
        asked.records.filter((id) => gone.has(id.toHex()))
      )
      if (receipt === undefined) return []
      promised = await this.#deps.book.add(link.principal, receipt, { ...asked, coverage: 2 })
    } catch (error) {
      const isWrong = error instanceof CodecError || error instanceof SyncError
      if (isWrong) link.standing.blame(3, 'ERR_SYNC_WRONG_RECEIPT')
      throw error
    }
    return (await this.#isProven(link, promised, signal)) ? promised : []
  }

  /** Asks for proof of one of these at once, of a holder that is new or failed lately, and of others now and then. */
  async #isProven(link: PeerLink, records: readonly Id[], signal: AbortSignal): Promise<boolean> {
    const [dice = 0, low = 0, high = 0] = this.#deps.ports.random.bytes(3)
    const record = records[(low + 256 * high) % Math.max(1, records.length)]
    if (record !== undefined && this.#deps.trust.isCheckDue(link.principal, dice)) {
      if ((await this.#deps.checkFresh(link, record, signal)) === false) return false
    }
    return this.#deps.trust.isTrusted(link.principal)
  }

  /** It gave nothing for what it promised to keep, or wrong bytes: known without a challenge. */
  async lacking(link: PeerLink, owner: Id): Promise<void> {
    const name = link.principal.toHex()
    for (const { holder, coverage, state } of await this.#deps.book.of(owner)) {
      if (holder.toHex() !== name || coverage !== 'payload' || state !== 'good') continue
      await this.#deps.book.check(owner, holder, false)
    }
  }

  /** Peers that hold `host` or `keep` for a zone and give us a scope. */
  promisers(zone: Id): readonly PeerLink[] {
    const hosts = new Set(this.#deps.hosts.of(zone).map((id) => id.toHex()))
    return [...this.#deps.links()].filter(
      (link) => this.#deps.scopeOf(link).length > 0 && hosts.has(link.principal.toHex())
    )
  }

  #isKept(record: Id): boolean {
    const header = this.#deps.ports.tree.header(record)
    return header !== undefined && this.#deps.claimOf(header) === 'kept'
  }

  #byZone(records: readonly Id[]): ReadonlyMap<string, { readonly zone: Id; readonly ids: Id[] }> {
    const zones = new Map<string, { readonly zone: Id; readonly ids: Id[] }>()
    for (const id of records) {
      const block = this.#deps.ports.tree.header(id)?.body.block
      const zone = block === undefined ? undefined : this.#deps.ports.tree.zoneOf(block)
      if (zone === undefined) continue
      const some = zones.get(zone.toHex()) ?? { zone, ids: [] }
      some.ids.push(id)
      zones.set(zone.toHex(), some)
    }
    return zones
  }
}
