/** One function body with its charges, bulk operations and local (doc/spec/16-wasm-module.md, section 6). */
import type { BinaryWriter } from './binary-writer.ts'
import type { Charge } from './charge-plan.ts'
import { type FuelPlaces, writeBulk, writeCharge, writeLoad, writeStore } from './fuel-code.ts'
import type { FunctionBody } from './function-body.ts'
import type { MeteringPlan } from './metering.ts'

/** What is written before the instruction at one offset, in this order. */
const kind = { load: 0, charge: 1, store: 2, bulk: 3 } as const

interface BodyRewriting {
  /** The module that the body lies in. */
  readonly bytes: Uint8Array
  readonly body: FunctionBody
  readonly plan: MeteringPlan
  readonly charges: readonly Charge[]
  /** With `left` when the plan has a loop. */
  readonly places: FuelPlaces
}

/** Writes the body without its length. */
export function writeRewrittenBody(
  writer: BinaryWriter,
  { bytes, body, plan, charges, places }: BodyRewriting
): void {
  const { left } = places
  const hasScratch = plan.bulk.length > 0
  writer.u32(body.localGroups + (hasScratch ? 1 : 0) + (left === undefined ? 0 : 1))
  writer.copy(bytes, body.groupsStart, body.codeStart)
  if (hasScratch) writer.raw(Uint8Array.of(1, 0x7f)) // one i32
  if (left !== undefined) writer.raw(Uint8Array.of(1, 0x7e)) // one i64
  let copied = body.codeStart
  let chargeIndex = 0
  let bulkIndex = 0
  for (const edit of editsOf(body, plan, charges)) {
    const offset = edit >>> 2
    writer.copy(bytes, copied, offset)
    copied = offset
    switch (edit & 3) {
      case kind.load:
        if (left !== undefined) writeLoad(writer, places.fuel, left)
        break
      case kind.charge: {
        const charge = charges[chargeIndex++]
        if (charge !== undefined) writeCharge(writer, places, charge)
        break
      }
      case kind.store:
        if (left !== undefined) writeStore(writer, places.fuel, left)
        break
      default: {
        const bulk = plan.bulk[bulkIndex++]
        if (bulk === undefined) break
        writeBulk(writer, places, bulk, () => writer.copy(bytes, bulk.offset, bulk.end))
        copied = bulk.end
      }
    }
  }
  writer.copy(bytes, copied, body.end)
}

/** Places of all edits in their order, as offset * 4 + kind: modules are shorter than 2^29 bytes. */
function editsOf(body: FunctionBody, plan: MeteringPlan, charges: readonly Charge[]): Uint32Array {
  const loads = plan.hasLoop ? [body.codeStart, ...plan.loads] : []
  const stores = plan.hasLoop ? plan.stores : []
  const edits = new Uint32Array(loads.length + charges.length + stores.length + plan.bulk.length)
  let length = 0
  for (const offset of loads) edits[length++] = offset * 4 + kind.load
  for (const { offset } of charges) edits[length++] = offset * 4 + kind.charge
  for (const offset of stores) edits[length++] = offset * 4 + kind.store
  for (const { offset } of plan.bulk) edits[length++] = offset * 4 + kind.bulk
  return edits.sort()
}
