/**
 * Admission (B.8.7): what only the host checks that takes a record first, from a peer without the right `host`. It reads
 * the local clock and what waits here, so it plays no part in validity: two hosts may differ, and a refusal is no fault
 * of the peer.
 */
import type { AcceptanceVerdict } from './acceptance.ts'
import { anchoredEntries } from './anchor.ts'
import { homeZone } from './birth.ts'
import { ClockFloor } from './clock-floor.ts'
import { idKey } from './id-key.ts'
import { grantsPerTargetMax, tipsPerBlockMax, tipsPerCapMax } from './limits.ts'
import { hasCountedReceipt, hasInterval, isWithinInterval } from './receipt-time.ts'
import type { AnyRecord, HeaderRecord, Id } from './records.ts'
import { recordType } from './records.ts'
import { Strangers } from './strangers.ts'
import { type TreeParts, includesId } from './tree-parts.ts'
import type { Admission } from './tree-state.ts'

type Problem = Exclude<AcceptanceVerdict, { readonly verdict: 'accepted' }>

export class AdmissionRules {
  readonly #parts: TreeParts
  readonly #floor: ClockFloor
  readonly #strangers: Strangers

  constructor(parts: TreeParts) {
    this.#parts = parts
    this.#floor = new ClockFloor(parts)
    this.#strangers = new Strangers(parts)
  }

  /** True when verifying it was of use: its signer plays a part in the tree, or there was room for a stranger. */
  isOfUse({ type, signer }: { readonly type: number; readonly signer: Id }): boolean {
    return type === recordType.principal || this.#strangers.isNamed(signer)
  }

  /** Asked before the signature: whether there is room for a principal. One that nothing names waits for what does. */
  roomProblem({ type, signer }: AnyRecord, { from }: Admission): Problem | undefined {
    if (type !== recordType.principal || from === 'host') return undefined
    if (this.#strangers.isNamed(signer) || this.#strangers.hasRoom()) return undefined
    const message = 'no record held here names this principal, and there are many such'
    return { verdict: 'parked', missing: signer, code: 'ERR_ADMISSION_ROOM', message }
  }

  /** undefined when the record, whose signature holds, is admitted. */
  problem(record: AnyRecord, admission: Admission): Problem | undefined {
    // What a host passes on is taken whatever waits here: else two nodes would keep different versions for ever.
    if (admission.from === 'host') return undefined
    switch (record.type) {
      case recordType.header:
        return this.#headerProblem(record, admission)
      case recordType.endpoint: {
        const unwanted = this.#strangers.endpointProblem(record)
        return unwanted === undefined ? undefined : notAdmitted(unwanted)
      }
      case recordType.grant: {
        const count = this.#parts.authority.grantsOver(record.body.target).length
        return count < grantsPerTargetMax
          ? undefined
          : notAdmitted(`${count} grants over its target are held`)
      }
      default:
        return undefined
    }
  }

  #headerProblem(header: HeaderRecord, admission: Admission): Problem | undefined {
    if (this.#isVouchedFor(header)) return undefined
    const crowded = this.#tipsProblem(header)
    if (crowded !== undefined) return notAdmitted(crowded)
    const leaf = header.body.cap === undefined ? undefined : this.#parts.authority.cap(header.body.cap)
    if (leaf !== undefined && hasInterval(leaf.body)) {
      const now = this.#parts.clock.now()
      if (now < this.#floor.ms) {
        const message = 'the clock of this host is behind its own release, or behind what the root has signed'
        return { verdict: 'parked', missing: undefined, code: 'ERR_CLOCK_BEHIND', message }
      }
      if (!isWithinInterval(now, leaf.body)) return notAdmitted('the cap is not in its interval')
    }
    const unwanted = admission.refuse?.(header)
    return unwanted === undefined ? undefined : notAdmitted(unwanted)
  }

  /** True when an anchor lists the header. */
  isAnchored({ id, body }: HeaderRecord): boolean {
    const { held } = this.#parts
    const anchors = held.anchors(homeZone(body.birth, body.block))
    return anchoredEntries(held, anchors, body.block).versions?.has(id) === true
  }

  /** A receipt of a host that counts, or an anchor, covers it already: it was admitted elsewhere. */
  #isVouchedFor(header: HeaderRecord): boolean {
    const { held, chains } = this.#parts
    const zone = homeZone(header.body.birth, header.body.block)
    return hasCountedReceipt(held, chains, header, zone) || this.isAnchored(header)
  }

  /** One more version beside the others; counted by cap, so that one writer's forks keep no other writer out (A18). */
  #tipsProblem({ signer, body }: HeaderRecord): string | undefined {
    const { held } = this.#parts
    const tips = held.blockRow(body.block)?.tips ?? []
    if (tips.length >= tipsPerBlockMax && !body.prev.some((id) => includesId(tips, id)))
      return `${tips.length} versions of this block wait already`
    if (tips.length < tipsPerCapMax) return undefined
    const writer = idKey(body.cap ?? signer)
    const own = tips.filter((tip) => this.#writerOf(tip) === writer)
    if (own.length < tipsPerCapMax || body.prev.some((id) => includesId(own, id))) return undefined
    return `${own.length} versions of this block under this cap wait already`
  }

  #writerOf(tip: Id): string | undefined {
    const header = this.#parts.held.header(tip)
    return header === undefined ? undefined : idKey(header.body.cap ?? header.signer)
  }
}

function notAdmitted(message: string): Problem {
  return { verdict: 'refused', code: 'ERR_ADMISSION_REFUSED', message }
}
