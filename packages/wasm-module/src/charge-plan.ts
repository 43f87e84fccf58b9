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

interface FunctionCosts {
  readonly segments: readonly Segment[]
  /** Units that callers are charged; undefined when the function charges its beginning itself. */
  readonly entryCost: number | undefined
  /** Has no calls and little to do: nobody needs to look at the counter for its sake. */
  readonly isQuick: boolean
}

/**
 * Charges of each function, in the order of `plans`. `referenced` are functions that may be called without a name (in
 * tables, by reference): they charge their beginning themselves. Costs in `plans` are changed.
 */
export function planCharges(
  plans: readonly MeteringPlan[],
  imported: number,
  referenced: ReadonlySet<number>,
  rules: ChargeRules
): readonly (readonly Charge[])[] {
  const functions = plans.map(({ segments }, index) =>
    costsOf(segments, referenced.has(imported + index), rules)
  )
  return functions.map((costs) => chargesOf(costs, (callee) => functions[callee - imported]))
}

function costsOf(segments: readonly Segment[], isReferenced: boolean, rules: ChargeRules): FunctionCosts {
  let total = 0
  for (const { cost } of segments) total += cost
  const isQuick = total <= quickUnitsMax && !segments.some(hasCalls)
  const kept = mergeSmall(segments, rules.mergedUnitsMax)
  const [entry] = kept
  const isCallersMatter =
    entry !== undefined && !isReferenced && !hasCalls(entry) && entry.cost <= rules.entryUnitsMax
  return { segments: kept, entryCost: isCallersMatter ? entry.cost : undefined, isQuick }
}

/** From the inside out: a small segment without calls becomes part of the one around it. */
function mergeSmall(segments: readonly Segment[], unitsMax: number): readonly Segment[] {
  const kept: Segment[] = []
  for (const segment of segments.toReversed()) {
    const { outer, cost } = segment
    if (outer !== undefined && !segment.isLoop && cost <= unitsMax && !hasCalls(segment)) outer.cost += cost
    else kept.push(segment)
  }
  return kept.toReversed()
}

function hasCalls({ callees, callsIndirectly }: Segment): boolean {
  return callees.length > 0 || callsIndirectly
}

function chargesOf(
  { segments, entryCost, isQuick }: FunctionCosts,
  find: (callee: number) => FunctionCosts | undefined
): Charge[] {
  const charges: Charge[] = []
  for (const { offset, outer, isLoop, cost, callees } of segments) {
    const isEntry = outer === undefined
    if (isEntry && entryCost !== undefined) continue
    let total = cost
    let isChecked = isLoop || (isEntry && !isQuick)
    for (const callee of callees) {
      const called = find(callee)
      if (called?.entryCost === undefined) continue
      total += called.entryCost
      if (!called.isQuick) isChecked = true
    }
    if (total > 0 || isChecked) charges.push({ offset, cost: total, isChecked })
  }
  return charges
}
