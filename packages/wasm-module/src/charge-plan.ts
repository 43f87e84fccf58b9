/**
 * What each function of a module is charged, once all are known: small segments are merged into those around them, and
 * the beginning of a function is charged by its callers, so that a small function costs no charge of its own
 * (doc/spec/16-wasm-module.md, section 5).
 */
import { entryUnitsMax, mergedUnitsMax, quickUnitsMax } from './limits.ts'
import type { MeteringPlan, Segment } from './metering.ts'

export interface Charge {
  /** The charge stands before the byte at this offset of the module. */
  readonly offset: number
  readonly cost: number
  /** The counter is looked at. */
  readonly isChecked: boolean
}

/** How far charges are drawn together; with zeros each segment is charged by itself. */
export interface ChargeRules {
  readonly mergedUnitsMax: number
  readonly entryUnitsMax: number
}

export const chargeRulesDefault: ChargeRules = { mergedUnitsMax, entryUnitsMax }

/** What callers have to know of a function. */
export interface FunctionSummary {
  /** Units that callers may be charged for its beginning; undefined when it has to charge them itself. */
  readonly entryCost: number | undefined
  /** Has no calls and little to do: nobody needs to look at the counter for its sake. */
  readonly isQuick: boolean
}

/** Costs in `plan` are changed: a plan serves once, for this or for `chargesOf`. */
export function summarise({ segments }: MeteringPlan, rules: ChargeRules): FunctionSummary {
  let total = 0
  for (const { cost } of segments) total += cost
  const isQuick = total <= quickUnitsMax && !segments.some(hasCalls)
  mergeSmall(segments, rules.mergedUnitsMax)
  const [entry] = segments
  const isShort = entry !== undefined && !hasCalls(entry) && entry.cost <= rules.entryUnitsMax
  return { entryCost: isShort ? entry.cost : undefined, isQuick }
}

/**
 * Charges of one function by their offsets. `find` gives the summary of a function with a body, with its entry cost
 * absent when it may be called without its name. Costs in `plan` are changed.
 */
export function chargesOf(
  { segments }: MeteringPlan,
  own: FunctionSummary,
  rules: ChargeRules,
  find: (callee: number) => FunctionSummary | undefined
): readonly Charge[] {
  const charges: Charge[] = []
  for (const { offset, outer, isLoop, cost, callees } of mergeSmall(segments, rules.mergedUnitsMax)) {
    const isEntry = outer === undefined
    if (isEntry && own.entryCost !== undefined) continue
    let total = cost
    let isChecked = isLoop || (isEntry && !own.isQuick)
    for (const callee of callees ?? []) {
      const called = find(callee)
      if (called?.entryCost === undefined) continue
      total += called.entryCost
      if (!called.isQuick) isChecked = true
    }
    if (total > 0 || isChecked) charges.push({ offset, cost: total, isChecked })
  }
  return charges
}

/** From the inside out: a small segment without calls becomes part of the one around it. @returns those left */
function mergeSmall(segments: readonly Segment[], unitsMax: number): readonly Segment[] {
  const kept: Segment[] = []
  for (let index = segments.length - 1; index >= 0; index--) {
    const segment = segments[index]
    if (segment === undefined) continue
    const { outer, cost } = segment
    if (outer !== undefined && !segment.isLoop && cost <= unitsMax && !hasCalls(segment)) outer.cost += cost
    else kept.push(segment)
  }
  return kept.reverse()
}

function hasCalls({ callees, callsIndirectly }: Segment): boolean {
  return callees !== undefined || callsIndirectly
}
