/**
 * Payloads to be fetched, and the streams that fetch them (spec 28, section 7): several peers at a time, every part
 * verified before it is stored, everything resumable. What is wanted stands in local rows from before its header is
 * stored until its last part is.
 */
import { compareBytes } from '@blocktree/codec'
import type { TokenBucket } from '@blocktree/network'
import {
  type Id,
  type IndexRow,
  type PayloadDescriptor,
  type StoredSector,
  recordType
} from '@blocktree/tree'
import type { ByteRange } from './byte-range.ts'
import { PartReader } from './byte-stream.ts'
import { LandingPlaces } from './landing-places.ts'
import {
  ownersMax,
  sectorBytesInFlight,
  partMs,
  sectorBytesMax,
  sectorPeersMax,
  sectorsPerRequest
} from './limits.ts'
import { localKey, localPrefix, localRows } from './local-rows.ts'
import { encodeSectorsAsk } from './messages.ts'
import { PayloadFetch } from './payload-fetch.ts'
import { payloadOf } from './payload-parts.ts'
import type { PeerLink } from './peer-link.ts'
import type { SyncWrong } from './peer-standing.ts'
import type { Pace, SyncPorts } from './ports.ts'
import type { PeerRights, Scope } from './scope.ts'

export interface PayloadQueueDeps {
  readonly ports: SyncPorts
  readonly rights: PeerRights
  readonly treeId: Id
  /** All content is fetched as its headers come. */
  readonly keepsAll: () => boolean
  readonly links: () => Iterable<PeerLink>
  readonly download: TokenBucket
  readonly sleep: (milliseconds: number) => Promise<void>
  /** Parts were stored. */
  readonly progressed: () => void
  /** The scope under which this peer gives us records. */
  readonly scopeOf: (link: PeerLink) => Scope
  /** It gave nothing, or wrong bytes, for a part of this record. */
  readonly lacking?: (link: PeerLink, owner: Id) => void
  /** Wanted payloads looked at together; the rows hold the others. 8,192 when left out. */
  readonly ownersInMemory?: number
}

const streamsPerPeer = 2 // one is read while the next is asked for
const lacksMs = 30_000 // a peer that did not have a part is asked again after this
const ownersInMemoryDefault = 8192
const commitBytes: number = 4 * 1024 * 1024
const streamMs = 120_000 // one request for parts; what did not come is asked again
const wanted = Uint8Array.of(1)

interface Asked {
  readonly fetch: PayloadFetch
  readonly references: readonly Id[]
}

export class PayloadQueue {
  readonly #deps: PayloadQueueDeps
  readonly #fetches: Map<string, PayloadFetch> = new Map()
  /** Wanted payloads whose records are not taken yet. */
  readonly #parked: Map<string, Id> = new Map()
  readonly #streams: Map<PeerLink, number> = new Map()
  readonly #waiters: Map<string, (() => void)[]> = new Map()
  readonly #places: LandingPlaces = new LandingPlaces()
  #inFlightBytes = 0
  #isClosed = false
  #isPumpDue = false
  /** Rows of payloads that are whole, to be removed together. */
  #struck: IndexRow[] = []
  /** Rows that found no room in memory. */
  #isOverflowing = false
  #isLoading = false
  /** The last row that was taken into memory of those that found no room at once. */
  #loadedTo: Uint8Array | undefined
  #bytesReceived = 0
  #partsRefused = 0
  #rangesAsked = 0

  constructor(deps: PayloadQueueDeps) {
    this.#deps = deps
  }

  get #ownersInMemory(): number {
    return this.#deps.ownersInMemory ?? ownersInMemoryDefault
  }

  get pending(): number {
    return this.#fetches.size
  }
  /** Records whose payloads are pending, in memory as `pending` counts them. */
  get owners(): readonly Id[] {
    return [...this.#fetches.values()].map(({ owner }) => owner)
  }
  get bytesReceived(): number {
    return this.#bytesReceived
  }
  get partsRefused(): number {
    return this.#partsRefused
  }

  isFetching(owner: Id): boolean {
    return this.#fetches.has(owner.toHex())
  }

  /** It is on its way, or is fetched on demand only. */
  mayBeMissing(owner: Id): boolean {
    return !this.#deps.keepsAll() || this.#isOverflowing || this.#fetches.has(owner.toHex())
  }

  rowOf(owner: Id): IndexRow {
    const key = localKey(localPrefix.wanted, owner)
    // Wanted anew before the old row was removed: it must not be removed after this.
    const name = key.toHex()
    if (this.#struck.length > 0) this.#struck = this.#struck.filter((row) => row.key.toHex() !== name)
    return { key, value: wanted }
  }

  /** Takes up what an earlier run left. */
  async load(): Promise<void> {
    const after = this.#loadedTo
    let last = after
    let isAll = true
    for await (const [owner] of localRows(this.#deps.ports.store, localPrefix.wanted)) {
      if (after !== undefined && compareBytes(owner, after) <= 0) continue
      if (this.#fetches.size >= this.#ownersInMemory) {
        isAll = false
        break
      }
      this.#begin(owner)
      last = owner.slice()
    }
    this.#loadedTo = isAll ? undefined : last
    this.#isOverflowing = !isAll || after !== undefined
    this.pump()
  }

  /**
   * What nobody who is connected has makes room in memory for what waits in the rows: a peer that announces payloads which
   * do not exist holds up nothing else.
   */
  #turnOver(): void {
    const links = [...this.#deps.links()]
    if (this.#isLoading || links.length === 0) return
    const now = this.#deps.ports.pace.now()
    for (const [key, fetch] of this.#fetches) {
      const isWithNobody = links.every(({ lacks }) => (lacks.get(fetch.owner.toHex()) ?? -1) > now)
      if (isWithNobody && fetch.isIdle && !this.#waiters.has(key)) this.#fetches.delete(key)
    }
    if (this.#fetches.size > this.#ownersInMemory / 2) return
    this.#isLoading = true
    this.load()
      .catch(() => undefined)
      .finally(() => (this.#isLoading = false))
  }

  /**
   * The row is written already.
   * @param payload what its record says, when that was taken just now without its content beside it
   */
  add(
    owner: Id,
    { link, payload }: { readonly link?: PeerLink; readonly payload?: PayloadDescriptor | undefined } = {}
  ): void {
    link?.lacks.delete(owner.toHex())
    if (this.#fetches.size >= this.#ownersInMemory) {
      this.#isOverflowing = true
      return
    }
    if (payload === undefined) this.#begin(owner)
    else this.#fetch(owner, payload)
    this.#pumpLater()
  }

  /** Its record waits for another one: the payload is fetched when it is taken. The row is written already. */
  park(owner: Id): void {
    if (this.#deps.ports.tree.record(owner) !== undefined) return this.add(owner) // taken meanwhile
    this.#parked.set(owner.toHex(), owner.slice())
    const [oldest] = this.#parked.values()
    if (this.#parked.size > this.#ownersInMemory && oldest !== undefined) this.forget(oldest)
  }

  /** Records were taken: those among them that had waited. */
  taken(ids: readonly Id[]): void {
    if (this.#parked.size === 0) return
    for (const id of ids) {
      const owner = this.#parked.get(id.toHex())
      if (owner === undefined) continue
      this.#parked.delete(id.toHex())
      this.#deps.ports.pace.after(0, () => this.add(owner)) // it can be read when the call that took it is over
    }
  }

  forget(owner: Id): void {
    this.#parked.delete(owner.toHex())
    this.#fetches.delete(owner.toHex())
    this.#strike(owner)
  }

  /** Fetches one payload now, whatever the policy says. @returns true when all of it is held */
  async fetchNow(owner: Id, signal: AbortSignal, isThorough = false): Promise<boolean> {
    const key = owner.toHex()
    if (!this.#fetches.has(key)) {
      await this.#deps.ports.store.commit({ local: [this.rowOf(owner)] }, { durability: 'none' })
      this.#begin(owner, isThorough)
    }
    for (const link of this.#deps.links()) link.lacks.delete(key)
    return await this.#wait(key, signal)
  }

  /**
   * Fetches the parts in which these bytes are, and nothing is wanted beyond them: no row is written, and they are not
   * fetched any more when the signal ends. @returns bytes that came, and whether the parts are all here
   */
  async fetchRange(
    owner: Id,
    range: ByteRange,
    signal: AbortSignal
  ): Promise<{ readonly isHeld: boolean; readonly bytes: number }> {
    const { ports } = this.#deps
    const payload = payloadOf(ports.tree.record(owner))
    if (payload === undefined) return { isHeld: false, bytes: 0 }
    const fetch = new PayloadFetch(ports, owner.slice(), payload, { range })
    const key = `${owner.toHex()} ${this.#rangesAsked++}`
    this.#fetches.set(key, fetch)
    for (const link of this.#deps.links()) link.lacks.delete(owner.toHex())
    const isHeld = await this.#wait(key, signal)
    this.#fetches.delete(key)
    return { isHeld: isHeld && !fetch.isBroken, bytes: fetch.bytesArrived }
  }

  /** @returns true when that fetch is over, false when the signal came first */
  async #wait(key: string, signal: AbortSignal): Promise<boolean> {
    const held = new Promise<boolean>((resolve) => {
      const onAbort = (): void => resolve(false)
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) resolve(false)
      const waiting = this.#waiters.get(key) ?? []
      waiting.push(() => resolve(true))
      this.#waiters.set(key, waiting)
    })
    this.pump()
    if (!this.#fetches.has(key)) this.#tell(key)
    return await held
  }

  /** Puts idle peers to work. */
  pump(): void {
    if (this.#isClosed) return
    this.#finishDone()
    this.#commitStruck()
    if (this.#isOverflowing) this.#turnOver()
    for (const link of this.#deps.links()) {
      while (
        (this.#streams.get(link) ?? 0) < streamsPerPeer &&
        this.#streamCount() < sectorPeersMax * streamsPerPeer &&
        this.#inFlightBytes < sectorBytesInFlight
      ) {
        const asked = this.#choose(link)
        if (asked.length === 0) break
        this.#run(link, asked)
      }
    }
  }

  /** Once for all that is added in one turn. */
  #pumpLater(): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    this.#deps.ports.pace.after(0, () => {
      this.#isPumpDue = false
      this.pump()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#commitStruck()
    for (const waiting of this.#waiters.values()) for (const done of waiting) done()
    this.#waiters.clear()
  }

  #begin(owner: Id, isThorough = false): void {
    if (this.#fetches.has(owner.toHex())) return
    const { ports } = this.#deps
    const payload = payloadOf(ports.tree.record(owner))
    const isBeside =
      payload !== undefined && payload.levels === 0 && ports.store.readRecord(owner)?.inline !== undefined
    if (payload === undefined || isBeside) return this.#strike(owner)
    this.#fetch(owner, payload, isThorough)
  }

  #fetch(owner: Id, payload: PayloadDescriptor, isThorough = false): void {
    const key = owner.toHex()
    if (this.#fetches.has(key)) return
    this.#fetches.set(key, new PayloadFetch(this.#deps.ports, owner.slice(), payload, { isThorough }))
  }

  #strike(owner: Id): void {
    this.#struck.push({ key: localKey(localPrefix.wanted, owner), value: undefined })
    this.#pumpLater()
  }

  #commitStruck(): void {
    const local = this.#struck
    this.#struck = []
    if (local.length > 0)
      this.#deps.ports.store.commit({ local }, { durability: 'none' }).catch(() => undefined)
  }

  #streamCount(): number {
    let count = 0
    for (const streams of this.#streams.values()) count += streams
    return count
  }

  /** A share of what is missing that this peer may have. */
  #choose(link: PeerLink): readonly Asked[] {
    const asked: Asked[] = []
    let left = sectorsPerRequest
    const now = this.#deps.ports.pace.now()
    if (link.ending.signal.aborted || link.standing.isBanned || this.#deps.scopeOf(link).length === 0)
      return asked
    for (const [key, fetch] of this.#fetches) {
      if ((link.lacks.get(fetch.owner.toHex()) ?? -1) > now || fetch.isWaiting || fetch.isBroken) continue
      const references = fetch.next(left)
      if (references.length === 0) {
        if (fetch.isDone || fetch.isBroken) this.#done(key, fetch)
        continue
      }
      asked.push({ fetch, references })
      left -= references.length
      if (left <= 0 || asked.length >= ownersMax) break
    }
    return asked
  }

  #finishDone(): void {
    for (const [key, fetch] of this.#fetches) if (fetch.isDone) this.#done(key, fetch)
  }

  #done(key: string, fetch: PayloadFetch): void {
    if (!this.#fetches.delete(key)) return
    if (!fetch.isPartial) this.#strike(fetch.owner)
    if (fetch.isBroken) {
      this.#deps.ports.onNote?.({
        level: 'warn',
        message: 'a payload is not what its header says',
        details: { record: key }
      })
    }
    this.#tell(key)
    const { tree } = this.#deps.ports
    // A manifest that is complete now may make its checkpoint an anchor.
    if (tree.authority.record(fetch.owner)?.type === recordType.checkpoint)
      tree.offer({ records: [] }, { peer: 'self', from: 'host' }).catch(() => undefined)
    this.#deps.progressed()
    if (this.#fetches.size > 0) return
    this.#places.clear()
    if (this.#isOverflowing) this.load().catch(() => undefined)
  }

  #tell(key: string): void {
    const waiting = this.#waiters.get(key) ?? []
    this.#waiters.delete(key)
    for (const done of waiting) done()
  }

  #run(link: PeerLink, asked: readonly Asked[]): void {
    this.#streams.set(link, (this.#streams.get(link) ?? 0) + 1)
    void this.#receive(link, asked).then((gained) => {
      const left = (this.#streams.get(link) ?? 1) - 1
      if (left <= 0) this.#streams.delete(link)
      else this.#streams.set(link, left)
      if (gained) this.pump()
      else this.#deps.ports.pace.after(retryMs, () => this.pump())
    })
  }

  /** @returns true when something came */
  async #receive(link: PeerLink, asked: readonly Asked[]): Promise<boolean> {
    const { treeId, ports, scopeOf } = this.#deps
    const owners = asked.map(({ fetch, references }) => ({ owner: fetch.owner, references }))
    const order = asked.flatMap(({ fetch, references }) =>
      references.map((reference) => ({ fetch, reference }))
    )
    let at = 0
    const writer = new PartWriter((parts) => this.#write(parts))
    const whole = new PartClock(ports.pace, link.ending.signal)
    const reader = new PartReader(sectorBytesMax, (length) => this.#places.take(length))
    try {
      const scope = scopeOf(link)
      const chunks = link.connection.pull('sync.sectors', encodeSectorsAsk({ tree: treeId, scope, owners }), {
        signal: whole.signal,
        timeoutMs: streamMs,
        asBytes: true
      })
      for await (const chunk of whole.watch(chunks)) {
        for (const bytes of reader.push(chunk)) {
          whole.progressed()
          const next = order[at++]
          if (next === undefined) throw new RangeError('more parts than were asked for')
          this.#take(link, next.fetch, next.reference, bytes, writer)
        }
        const wait = this.#deps.download.borrow(chunk.length, this.#deps.ports.pace.now())
        if (wait > 0) await this.#deps.sleep(wait)
        if (writer.isFull) await writer.flush()
      }
    } catch (error) {
      if (error instanceof RangeError) this.#blame(link, 3, 'ERR_SYNC_WRONG_PART')
      if (whole.isLate) {
        this.#blame(link, 2, 'ERR_SYNC_SLOW')
        for (const { fetch } of order.slice(at)) this.#lacks(link, fetch)
      }
      ports.onNote?.({
        level: 'debug',
        message: 'a stream of sectors ended',
        details: { peer: link.name, reason: String(error) }
      })
    }
    whole.end()
    if (reader.open !== undefined) this.#places.giveBack(reader.open)
    const gained = writer.count > 0
    await writer.finish().catch(() => undefined)
    for (const { fetch, reference } of order.slice(at)) fetch.failed(reference)
    this.#deps.progressed()
    return gained
  }

  #take(
    link: PeerLink,
    fetch: PayloadFetch,
    reference: Id,
    bytes: Uint8Array | undefined,
    writer: PartWriter
  ): void {
    if (bytes === undefined) {
      this.#lacks(link, fetch)
      fetch.failed(reference)
      return
    }
    this.#bytesReceived += bytes.length
    if (fetch.arrived(reference, bytes)) {
      writer.add({ fetch, sector: { reference, bytes } })
      return
    }
    this.#places.giveBack(bytes)
    this.#partsRefused++
    fetch.failed(reference)
    this.#lacks(link, fetch)
    this.#blame(link, 1, 'ERR_SYNC_WRONG_PART')
  }

  /** Others are asked for it first. */
  #lacks(link: PeerLink, { owner }: PayloadFetch): void {
    link.lacks.set(owner.toHex(), this.#deps.ports.pace.now() + lacksMs)
    this.#deps.lacking?.(link, owner)
  }

  #blame(link: PeerLink, points: number, wrong: SyncWrong): void {
    if (link.standing.blame(points, wrong)) link.ending.abort()
  }

  async #write(parts: readonly ArrivedPart[]): Promise<void> {
    const bytes = parts.reduce((sum, { sector }) => sum + sector.bytes.length, 0)
    this.#inFlightBytes += bytes
    try {
      await this.#deps.ports.store.commit({ sectors: parts.map(({ sector }) => sector) })
      for (const { fetch, sector } of parts) fetch.stored(sector.reference)
    } catch (error) {
      for (const { fetch, sector } of parts) fetch.lost(sector.reference)
      throw error
    } finally {
      this.#inFlightBytes -= bytes
      for (const { sector } of parts) this.#places.giveBack(sector.bytes)
    }
  }
}

/** Ends a stream in which no part becomes whole for too long: a peer that trickles must not keep parts from others. */
class PartClock {
  readonly #pace: Pace
  readonly #ended = new AbortController()
  readonly signal: AbortSignal
  #cancel: () => void = () => undefined
  isLate = false

  constructor(pace: Pace, signal: AbortSignal) {
    this.#pace = pace
    this.signal = AbortSignal.any([signal, this.#ended.signal])
  }

  /** Time counts while the peer has the word, not while this node is busy with what came. */
  async *watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let leftMs = partMs
    this.progressed = () => (leftMs = partMs)
    const iterator = chunks[Symbol.asyncIterator]()
    let isDone = false
    try {
      for (;;) {
        const startMs = this.#pace.now()
        this.#cancel = this.#pace.after(Math.max(1, leftMs), () => this.#end())
        const next = await iterator.next()
        this.#cancel()
        leftMs -= this.#pace.now() - startMs
        if (next.done === true) {
          isDone = true
          return
        }
        yield next.value
      }
    } finally {
      this.#cancel()
      if (!isDone) await iterator.return?.()
    }
  }

  /** A part is whole. */
  progressed: () => void = () => undefined

  end(): void {
    this.#cancel()
  }

  #end(): void {
    this.isLate = true
    this.#ended.abort()
  }
}

const retryMs = 200 // nothing came: not at once again

interface ArrivedPart {
  readonly fetch: PayloadFetch
  readonly sector: StoredSector
}

/** Gathers parts into batches for the store; two batches are under way at most. */
class PartWriter {
  readonly #write: (parts: readonly ArrivedPart[]) => Promise<void>
  #parts: ArrivedPart[] = []
  #bytes = 0
  #running: Promise<void> = Promise.resolve()
  count = 0

  constructor(write: (parts: readonly ArrivedPart[]) => Promise<void>) {
    this.#write = write
  }

  get isFull(): boolean {
    return this.#bytes >= commitBytes
  }

  add(part: ArrivedPart): void {
    this.#parts.push(part)
    this.#bytes += part.sector.bytes.length
    this.count++
  }

  /** Waits for the batch before this one and starts this one. */
  async flush(): Promise<void> {
    const before = this.#running
    const parts = this.#parts
    this.#parts = []
    this.#bytes = 0
    this.#running = parts.length === 0 ? Promise.resolve() : this.#write(parts)
    this.#running.catch(() => undefined)
    await before
  }

  async finish(): Promise<void> {
    await this.flush()
    await this.#running
  }
}
