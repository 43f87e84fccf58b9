/**
 * Records from elsewhere (B.8): decoded, judged, their signature verified, admitted and taken; what rests on a record that
 * is not held waits in ./parked-records.ts and is judged again when that one comes.
 */
import { decodeEnvelope, equalBytes, signInput } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type AcceptanceVerdict, checkRecord } from './acceptance.ts'
import { AdmissionRules } from './admission.ts'
import { capScope } from './cap.ts'
import { rowKey, rowPrefix } from './index-rows.ts'
import { fromVerdict, isUnknownFormat, outcome, undecodable } from './offer-result.ts'
import type { OpenChange } from './open-change.ts'
import { ParkedRecords } from './parked-records.ts'
import { PendingHeaders } from './pending-headers.ts'
import { mayBeInline } from './payload-references.ts'
import type { IndexRow, StoredSector } from './ports.ts'
import { decodeRecord, recordIdOf, verifyRecordSignature } from './record.ts'
import type { RecordTaking, Taken } from './record-taking.ts'
import type { AnyRecord, Id, TreeRecord } from './records.ts'
import { recordType } from './records.ts'
import { SignatureBudget } from './signature-budget.ts'
import type { TreeChanges } from './tree-changes.ts'
import { TreeError } from './tree-error.ts'
import { type TreeParts, addZoneBirth, missingRecord } from './tree-parts.ts'
import type { Admission, Offer, OfferResult, ParkedCount, TreeStateOptions } from './tree-state.ts'
import { WaitingBirths } from './waiting-births.ts'

/** The one tree whose records are taken; the first that comes when it is not said. */
export type ExpectedTree = Pick<TreeStateOptions, 'tree' | 'refusesInsecure'>

type Refusal = Exclude<AcceptanceVerdict, { readonly verdict: 'accepted' }>

const tooFast: Refusal = {
  verdict: 'parked',
  missing: undefined,
  code: 'ERR_ADMISSION_RATE',
  message: 'too many signatures of this peer led to nothing within a second'
}

export class OfferIntake {
  readonly #parts: TreeParts
  readonly #changes: TreeChanges
  readonly #records: RecordTaking
  readonly #expected: ExpectedTree
  readonly #admission: AdmissionRules
  readonly #signatures: SignatureBudget
  readonly #pending: PendingHeaders = new PendingHeaders()
  readonly #parked: ParkedRecords = new ParkedRecords()
  readonly #waitingBirths: WaitingBirths
  /** Ids that came and that parked records may wait for. */
  readonly #woken: Id[] = []

  constructor(parts: TreeParts, changes: TreeChanges, records: RecordTaking, expected: ExpectedTree) {
    this.#parts = parts
    this.#changes = changes
    this.#records = records
    this.#expected = expected
    this.#admission = new AdmissionRules(parts)
    this.#signatures = new SignatureBudget(parts.clock)
    this.#waitingBirths = new WaitingBirths(parts.crypto)
  }

  async offer(offer: Offer, admission: Admission): Promise<readonly OfferResult[]> {
    const pending: Promise<void>[] = []
    const sectors = (offer.sectors ?? []).filter((sector) => this.#isGenuine(sector))
    if (sectors.length > 0) pending.push(this.#parts.store.commit({ sectors }))
    try {
      for (const bytes of offer.births ?? []) this.#offerBirth(bytes, pending)
      const results = offer.records.map(({ bytes, inline }) =>
        this.#offerOne(bytes, inline, admission, pending)
      )
      await Promise.all(pending)
      return results
    } finally {
      // Also after a failure nothing is left behind that could reject unheard.
      await Promise.allSettled(pending)
    }
  }

  /** A sector under another hash would keep the real one out for ever. */
  #isGenuine({ reference, bytes }: StoredSector): boolean {
    return equalBytes(this.#parts.crypto.sha256(bytes), reference)
  }

  #offerOne(
    bytes: Uint8Array,
    inline: Uint8Array | undefined,
    admission: Admission,
    pending: Promise<void>[]
  ): OfferResult {
    const result = this.#offerBytes(bytes, inline, admission, pending)
    this.#retryWoken(pending)
    return result
  }

  #offerBytes(
    bytes: Uint8Array,
    inline: Uint8Array | undefined,
    admission: Admission,
    pending: Promise<void>[]
  ): OfferResult {
    let record: AnyRecord
    try {
      record = decodeRecord(this.#parts.crypto, bytes)
    } catch (error) {
      return isUnknownFormat(error) ? this.#offerUnknown(bytes, admission, error) : undecodable(error)
    }
    const beside = this.#besideHeader(record, inline)
    const result = this.#offerRecord(record, beside, admission, pending)
    if (result.outcome === 'parked' && result.missing !== undefined) {
      this.#parked.add({ id: record.id, bytes, inline: beside, admission, missing: result.missing })
    }
    return result
  }

  /** What waits in memory for other records, or for a version of this program that knows its format. */
  get parked(): ParkedCount {
    return { records: this.#parked.count, unknownFormats: this.#parked.unknownCount }
  }

  /** Kept as it is when somebody signed it who plays a part in the tree: a stranger could send any number of them. */
  #offerUnknown(bytes: Uint8Array, admission: Admission, { code, message }: TreeError): OfferResult {
    const { crypto, authority } = this.#parts
    const envelope = decodeEnvelope(bytes)
    const id = recordIdOf(crypto, bytes)
    const key = authority.principal(envelope.signer)?.body.signingPublicKey
    const isOfUse = key !== undefined && this.#admission.isOfUse(envelope)
    if (
      isOfUse &&
      this.#signatures.take(admission.peer) &&
      crypto.verify(key, signInput(envelope), envelope.signature)
    ) {
      this.#signatures.giveBack(admission.peer)
      this.#parked.add({ id, bytes, inline: undefined, admission, missing: undefined })
    }
    return fromVerdict(id, { verdict: 'parked', missing: undefined, code, message })
  }

  /** What came beside a header, when it is the one small sector that the header names. */
  #besideHeader(record: AnyRecord, inline: Uint8Array | undefined): Uint8Array | undefined {
    if (inline === undefined || record.type !== recordType.header) return undefined
    const { payload } = record.body
    if (payload === undefined || !mayBeInline(payload) || inline.length !== payload.stored) return undefined
    return this.#isGenuine({ reference: payload.rootHash, bytes: inline }) ? inline : undefined
  }

  #offerRecord(
    record: AnyRecord,
    inline: Uint8Array | undefined,
    admission: Admission,
    pending: Promise<void>[]
  ): OfferResult {
    const { id } = record
    if (this.#isHeld(record)) {
      pending.push(...this.#keepBeside(record, inline))
      return outcome(id, 'known')
    }
    const unexpected = record.type === recordType.tree ? this.#treeProblem(record) : undefined
    if (unexpected !== undefined) return fromVerdict(id, unexpected)
    const lent: Id[] = []
    const result = this.#judgeAndTake(record, inline, admission, { lent, pending })
    if (result.outcome !== 'accepted' && result.outcome !== 'quarantined') {
      for (const zone of lent) this.#parts.authority.removeZoneBirth(zone)
    }
    return result
  }

  #treeProblem({ id, body }: TreeRecord): Refusal | undefined {
    const { tree, refusesInsecure = false } = this.#expected
    if (tree !== undefined && !equalBytes(tree, id))
      return { verdict: 'refused', code: 'ERR_TREE_FOREIGN', message: 'another tree is expected here' }
    if (!refusesInsecure || !body.insecure) return undefined
    const message = 'the tree was made from known random numbers, for tests: its keys are no secret'
    return { verdict: 'refused', code: 'ERR_TREE_INSECURE', message }
  }

  #judgeAndTake(
    record: AnyRecord,
    inline: Uint8Array | undefined,
    admission: Admission,
    { lent, pending }: { readonly lent: Id[]; readonly pending: Promise<void>[] }
  ): OfferResult {
    const { id } = record
    let verdict = checkRecord(this.#parts.context, record)
    while (verdict.verdict === 'parked' && this.#lendBirth(verdict.missing, lent)) {
      verdict = checkRecord(this.#parts.context, record)
    }
    if (verdict.verdict !== 'accepted') return fromVerdict(id, verdict)
    const early =
      this.#admission.roomProblem(record, admission) ?? this.#signatureProblem(record, admission.peer)
    if (early !== undefined) return fromVerdict(id, early)
    const unwanted = this.#admission.problem(record, admission)
    if (unwanted !== undefined) return fromVerdict(id, unwanted)
    const gap = this.#gapBelow(record)
    if (gap !== undefined && !this.#pending.hasRoom(admission.peer, record.bytes.length)) {
      return fromVerdict(id, noRoomFor(gap))
    }
    const open = this.#changes.begin()
    let taken: Taken
    try {
      taken = this.#records.take(open, record, { inline, nameKey: undefined, isLocal: false })
    } catch (error) {
      this.#changes.abandon(open)
      throw error
    }
    pending.push(this.#changes.finish(open, { local: this.#keepBirths(open, lent) }))
    if (record.type === recordType.header) {
      if (gap !== undefined) this.#pending.add(record, gap, admission.peer)
      this.#pending.release(id)
    }
    this.#woken.push(...wokenBy(this.#parts.crypto, record))
    return outcome(id, taken.quarantined ? 'quarantined' : 'accepted')
  }

  #isHeld(record: AnyRecord): boolean {
    return record.type === recordType.header || record.type === recordType.receipt
      ? this.#parts.store.hasRecord(record.id)
      : this.#parts.authority.has(record.id)
  }

  #signatureProblem(record: AnyRecord, peer: string): Refusal | undefined {
    const principal =
      record.type === recordType.principal ? record : this.#parts.authority.principal(record.signer)
    if (principal === undefined) throw missingRecord('the principal of the signer')
    if (!this.#signatures.take(peer)) return tooFast
    try {
      verifyRecordSignature(this.#parts.crypto, record, principal.body.signingPublicKey)
    } catch (error) {
      if (!(error instanceof TreeError)) throw error
      return { verdict: 'refused', code: error.code, message: error.message }
    }
    if (this.#admission.isOfUse(record)) this.#signatures.giveBack(peer)
    return undefined
  }

  /** What a header lacks that leads to nothing held; an entry of an anchor is in line whatever lies below it. */
  #gapBelow(record: AnyRecord): Id | undefined {
    if (record.type !== recordType.header) return undefined
    const { store } = this.#parts
    const gap = this.#pending.gapBelow(record, (id) => store.hasRecord(id))
    return gap === undefined || this.#admission.isAnchored(record) ? undefined : gap
  }

  /** One after another: a chain of records that waited must not become a chain of calls. */
  #retryWoken(pending: Promise<void>[]): void {
    for (let id = this.#woken.pop(); id !== undefined; id = this.#woken.pop()) {
      for (const parked of this.#parked.take(id)) {
        this.#offerBytes(parked.bytes, parked.inline, parked.admission, pending)
      }
    }
  }

  /** The sector of a header that was held without it. */
  #keepBeside(record: AnyRecord, inline: Uint8Array | undefined): readonly Promise<void>[] {
    if (inline === undefined || record.type !== recordType.header || record.body.payload === undefined)
      return []
    const reference = record.body.payload.rootHash
    if (this.#parts.store.hasSector(reference) || this.#parts.held.inlineOf(record.id) !== undefined)
      return []
    return [this.#parts.store.commit({ sectors: [{ reference, bytes: inline }] })]
  }

  #offerBirth(bytes: Uint8Array, pending: Promise<void>[]): void {
    const zone = this.#waitingBirths.add(bytes)
    if (zone === undefined) return
    this.#woken.push(zone)
    this.#retryWoken(pending)
  }

  /** Takes a birth that was sent along for as long as it takes to judge a record. */
  #lendBirth(zone: Id | undefined, lent: Id[]): boolean {
    const bytes = zone && this.#waitingBirths.get(zone)
    if (zone === undefined || bytes === undefined || addZoneBirth(this.#parts, bytes) === undefined)
      return false
    lent.push(zone)
    return true
  }

  /** The record that the births were lent to is taken: they stay with it. */
  #keepBirths(open: OpenChange, lent: readonly Id[]): readonly IndexRow[] {
    return lent.flatMap((zone) => {
      const bytes = this.#waitingBirths.get(zone)
      if (bytes === undefined) return []
      this.#waitingBirths.delete(zone)
      open.births.push(zone)
      return [{ key: rowKey(rowPrefix.zone, zone), value: bytes }]
    })
  }
}

function noRoomFor(gap: Id): Refusal {
  const message = 'headers of this peer above missing ones fill what is kept for them'
  return { verdict: 'parked', missing: gap, code: 'ERR_ADMISSION_ROOM', message }
}

/** Ids that parked records may wait for and that this record brings. */
function wokenBy(crypto: CryptoProvider, record: AnyRecord): readonly Id[] {
  switch (record.type) {
    case recordType.principal:
      return [record.signer]
    case recordType.tree:
      return [record.id, record.body.root]
    case recordType.succession:
      return [record.id, record.body.newRoot]
    case recordType.grant:
      return [record.id, record.body.recipient]
    case recordType.header:
      return [record.id, record.body.block]
    case recordType.cap:
      return [record.id, capScope(crypto, record.body), record.body.subject]
    default:
      return [record.id]
  }
}
