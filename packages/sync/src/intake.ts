/**
 * Taking records of a peer (spec 28, section 6): in batches, judged by the tree, with the admission that the peer's rights
 * call for; payloads to fetch are written down before the headers that name them, so that a crash forgets none.
 */
import { compareBytes, decodeEnvelope } from '@blocktree/codec'
import {
  type AnyRecord,
  type Id,
  type IndexRow,
  type Offer,
  type OfferResult,
  type PayloadDescriptor,
  TreeError,
  coverage,
  createReceipt,
  decodeRecord,
  durabilityClass,
  homeZone,
  mayBeInline,
  recordType
} from '@blocktree/tree'
import type { ContentKeeper } from './content-keeper.ts'
import { birthsInARowMax, offerBytesMax, offerRecordsMax, offersInFlightMax } from './limits.ts'
import type { PushedRecord } from './messages.ts'
import type { PayloadQueue } from './payload-queue.ts'
import { payloadOf } from './payload-parts.ts'
import type { PeerLink } from './peer-link.ts'
import type { Pace, SyncPorts } from './ports.ts'
import type { PeerRights } from './scope.ts'
import { SyncError } from './sync-error.ts'

/** What became of records that a peer sent. */
export interface IntakeCount {
  taken: number
  known: number
  parked: number
  refused: number
  /** Parked records wait for something that a comparison brings. */
  missing: boolean
}

export function noIntake(): IntakeCount {
  return { taken: 0, known: 0, parked: 0, refused: 0, missing: false }
}

export interface IntakeDeps {
  readonly ports: SyncPorts
  readonly rights: PeerRights
  readonly payloads: PayloadQueue
  readonly contents: ContentKeeper
  /** Says that what is taken now came from this peer; undefined: no longer. */
  readonly from: (link: PeerLink | undefined) => void
}

/** What of a record is known before it is judged. */
interface Looked {
  readonly id: Id | undefined
  readonly zone: Id | undefined
  readonly payload: PayloadDescriptor | undefined
  /** Its content is to be fetched. */
  readonly wanted: boolean
  /** Written under a cap with a beginning or an end. */
  readonly ends: boolean
  /** To be written before it is taken. */
  readonly rows: readonly IndexRow[]
}

export class Intake {
  readonly #deps: IntakeDeps

  constructor(deps: IntakeDeps) {
    this.#deps = deps
  }

  get pace(): Pace {
    return this.#deps.ports.pace
  }

  /** Offers records of one peer to the tree; resolves when what was accepted is durable. @throws ERR_SYNC_PEER_WRONG */
  async take(
    link: PeerLink,
    records: readonly PushedRecord[],
    births: readonly Uint8Array[],
    count: IntakeCount
  ): Promise<void> {
    const { ports } = this.#deps
    const looked = records.map((record) => ({ record, ...this.#look(record) }))
    ports.onArriving?.()
    const rows: IndexRow[] = []
    for (const { wanted, id, rows: more } of looked) {
      if (wanted && id !== undefined) rows.push(this.#deps.payloads.rowOf(id))
      rows.push(...more)
    }
    if (rows.length > 0) await ports.store.commit({ local: rows }, { durability: 'none' })
    for (const from of ['host', 'writer'] as const) {
      const some = looked.filter(({ zone }) => (this.#isFromHost(link, zone) ? 'host' : 'writer') === from)
      if (some.length === 0) continue
      const results = await this.#offer(
        link,
        from,
        some.map(({ record }) => record),
        births
      )
      this.#settle(link, results, some, count)
      if (from === 'writer') await this.#vouch(results, some)
    }
  }

  /**
   * The word of this host on the time of what it admitted under caps with an end, so that it counts everywhere (B.7.5,
   * B.8.8). A record of the tree like any other.
   */
  async #vouch(
    results: readonly OfferResult[],
    looked: readonly { readonly id: Id | undefined; readonly zone: Id | undefined; readonly ends: boolean }[]
  ): Promise<void> {
    const { tree, crypto, clock, self } = this.#deps.ports
    const due = new Map<string, { readonly zone: Id; readonly ids: Id[] }>()
    for (const [index, { outcome }] of results.entries()) {
      const { id, zone, ends } = looked[index] ?? { id: undefined, zone: undefined, ends: false }
      if (
        !ends ||
        id === undefined ||
        zone === undefined ||
        (outcome !== 'accepted' && outcome !== 'quarantined')
      )
        continue
      const some = due.get(zone.toHex()) ?? { zone, ids: [] }
      some.ids.push(id)
      due.set(zone.toHex(), some)
    }
    const signer = self.signer()
    for (const { zone, ids } of due.values()) {
      const cap = self.hostCap(zone)
      if (cap === undefined || signer === undefined || tree.tree === undefined) continue
      const record = createReceipt(crypto, signer, {
        tree: tree.tree,
        zone,
        records: ids.toSorted(compareBytes),
        coverage: coverage.header,
        durability: durabilityClass.group,
        timeMs: clock.now(),
        keepUntilMs: undefined,
        term: undefined,
        fence: undefined,
        challenge: undefined,
        cap: cap.cap
      })
      await tree.commitLocal({ records: [{ record }] })
    }
  }

  #offer(
    link: PeerLink,
    from: 'host' | 'writer',
    records: readonly PushedRecord[],
    births: readonly Uint8Array[]
  ): Promise<readonly OfferResult[]> {
    const offer: Offer = {
      births,
      records: records.map(({ bytes, inline }) => (inline === undefined ? { bytes } : { bytes, inline }))
    }
    // What is taken is told while the call runs, before its promise is returned.
    this.#deps.from(link)
    try {
      return this.#deps.ports.tree.offer(offer, { peer: link.name, from })
    } finally {
      this.#deps.from(undefined)
    }
  }

  #settle(
    link: PeerLink,
    results: readonly OfferResult[],
    looked: readonly Looked[],
    count: IntakeCount
  ): void {
    for (const [index, result] of results.entries()) {
      const { wanted = false, id, payload } = looked[index] ?? {}
      const isHeld =
        result.outcome === 'accepted' || result.outcome === 'quarantined' || result.outcome === 'known'
      if (wanted && id !== undefined) {
        if (isHeld)
          this.#deps.payloads.add(id, { link, payload: result.outcome === 'known' ? undefined : payload })
        else if (result.outcome === 'parked') this.#deps.payloads.park(id)
        else this.#deps.payloads.forget(id)
      }
      switch (result.outcome) {
        case 'accepted':
        case 'quarantined':
          count.taken++
          break
        case 'known':
          count.known++
          break
        case 'parked':
          count.parked++
          if (result.missing !== undefined) count.missing = true
          break
        case 'refused':
          count.refused++
          this.#refused(link, result)
      }
    }
    if (count.taken > 0) link.standing.praise()
  }

  #refused(link: PeerLink, { id, penalty, code, message }: OfferResult): void {
    if (id !== undefined) link.standing.refuse(id)
    this.#deps.ports.onNote?.({
      level: 'debug',
      message: 'a record of a peer was refused',
      details: { peer: link.name, code, reason: message }
    })
    if (penalty && link.standing.blame(1, 'ERR_SYNC_WRONG_RECORD'))
      throw new SyncError(
        'ERR_SYNC_PEER_WRONG',
        `the peer sends what no honest one can have: ${message ?? ''}`
      )
  }

  /** What of a record has to be known before it is judged; nothing of one that cannot be read. */
  #look({ bytes, inline }: PushedRecord): Looked {
    const nothing: Looked = {
      id: undefined,
      zone: undefined,
      payload: undefined,
      wanted: false,
      ends: false,
      rows: []
    }
    let record: AnyRecord
    try {
      const { type } = decodeEnvelope(bytes)
      if (type !== recordType.header && type !== recordType.checkpoint) return nothing
      record = decodeRecord(this.#deps.ports.crypto, bytes)
    } catch {
      return nothing // the tree says what is wrong with it
    }
    const payload = payloadOf(record)
    if (record.type !== recordType.header) {
      return { ...nothing, id: record.id, payload, wanted: payload !== undefined }
    }
    const { block } = record.body
    const zone = homeZone(record.body.birth, block)
    const { contents } = this.#deps
    const rows = contents.noted(record)
    const owner = { record: record.id, block, zone, parent: record.body.parent }
    const wanted = payload !== undefined && contents.isWanted(owner) && !this.#isBeside(payload, inline)
    const cap =
      record.body.cap === undefined ? undefined : this.#deps.ports.tree.authority.cap(record.body.cap)
    const ends = cap?.body.notAfter !== undefined || cap?.body.notBefore !== undefined
    return { id: record.id, zone, payload, wanted, ends, rows }
  }

  /** What came beside a header is its content: the tree takes nothing else for it, and it would never be asked for. */
  #isBeside(payload: PayloadDescriptor, inline: Uint8Array | undefined): boolean {
    if (inline === undefined || !mayBeInline(payload) || inline.length !== payload.stored) return false
    return compareBytes(this.#deps.ports.crypto.sha256(inline), payload.rootHash) === 0
  }

  #isFromHost({ principal }: PeerLink, zone: Id | undefined): boolean {
    const { rights } = this.#deps
    return zone === undefined ? rights.isHostOfAll(principal) : rights.isHost(principal, zone)
  }
}

/** Gathers what a stream brings and offers it in batches, a few at a time. */
export class IntakeStream {
  readonly #intake: Intake
  readonly #link: PeerLink
  readonly count: IntakeCount = noIntake()
  #records: PushedRecord[] = []
  #births: Uint8Array[] = []
  #birthsInARow = 0
  #bytes = 0
  readonly #running: Set<Promise<void>> = new Set()
  #failure: unknown

  constructor(intake: Intake, link: PeerLink) {
    this.#intake = intake
    this.#link = link
  }

  /** Records seen that brought nothing new. */
  get useless(): number {
    return this.count.known + this.count.refused + this.count.parked - this.count.taken
  }

  /** @throws ERR_SYNC_PEER_WRONG when births come without the records that need them */
  addBirth(bytes: Uint8Array): void {
    if (++this.#birthsInARow > birthsInARowMax)
      throw new SyncError('ERR_SYNC_PEER_WRONG', 'births come without a record that needs them')
    this.#births.push(bytes)
    this.#bytes += bytes.length
  }

  async add(record: PushedRecord): Promise<void> {
    this.#birthsInARow = 0
    this.#records.push(record)
    this.#bytes += record.bytes.length + (record.inline?.length ?? 0)
    if (this.#records.length < offerRecordsMax && this.#bytes < offerBytesMax) return
    this.#start()
    // A turn for others: what the disk has taken meanwhile is told, and its content asked for while more headers come.
    await this.#turn()
    while (this.#running.size >= offersInFlightMax) await Promise.race(this.#running)
    this.#assertSound()
  }

  /** Resolves when everything is durable. */
  async finish(): Promise<void> {
    if (this.#records.length > 0 || this.#births.length > 0) this.#start()
    await Promise.all(this.#running)
    this.#assertSound()
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#intake.pace.after(0, resolve)
    })
  }

  #start(): void {
    const records = this.#records
    const births = this.#births
    this.#records = []
    this.#births = []
    this.#bytes = 0
    const running = this.#intake.take(this.#link, records, births, this.count).catch((error: unknown) => {
      this.#failure ??= error
    })
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  #assertSound(): void {
    if (this.#failure === undefined) return
    if (this.#failure instanceof Error) throw this.#failure
    throw new TreeError('ERR_RECORD_MISSING', 'records of a peer could not be taken', {
      cause: this.#failure
    })
  }
}
