/**
 * What each function of a module is charged, once all are known: small spans are merged into those around them, and
 * the beginning of a function is charged by its callers, so that a small function costs no charge of its own
 * (doc/spec/16-wasm-module.md, section 5).
 */
import { entryUnitsMax, mergedUnitsMax, quickUnitsMax } from './limits.ts'
import type { MeteringPlan, Span } from './metering.ts'

export interface Charge {
  /** The charge stands before the byte at this offset of the module. */
  readonly offset: number
  readonly cost: number
  /** The counter is looked at. */
  readonly isChecked: boolean
}

/** How far charges are drawn together; with zeros each span is charged by itself. */
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
export function summarise({ spans }: MeteringPlan, rules: ChargeRules): FunctionSummary {
  let total = 0
  for (const { cost } of spans) total += cost
  const isQuick = total <= quickUnitsMax && !spans.some(hasCalls)
  mergeSmall(spans, rules.mergedUnitsMax)
  const [entry] = spans
  const isShort = entry !== undefined && !hasCalls(entry) && entry.cost <= rules.entryUnitsMax
  return { entryCost: isShort ? entry.cost : undefined, isQuick }
}

/**
 * Charges of one function by their offsets. `find` gives the summary of a function with a body, with its entry cost
 * absent when it may be called without its name. Costs in `plan` are changed.
 */
export function chargesOf(
  { spans }: MeteringPlan,
  own: FunctionSummary,
  rules: ChargeRules,
  find: (callee: number) => FunctionSummary | undefined
): readonly Charge[] {
  const charges: Charge[] = []
  for (const { offset, outer, isLoop, cost, callees } of mergeSmall(spans, rules.mergedUnitsMax)) {
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

/** From the inside out: a small span without calls becomes part of the one around it. @returns those left */
function mergeSmall(spans: readonly Span[], unitsMax: number): readonly Span[] {
  const kept: Span[] = []
  for (let index = spans.length - 1; index >= 0; index--) {
    const span = spans[index]
    if (span === undefined) continue
    const { outer, cost } = span
    if (outer !== undefined && !span.isLoop && cost <= unitsMax && !hasCalls(span)) outer.cost += cost
    else kept.push(span)
  }
  return kept.reverse()
}

function hasCalls({ callees, callsIndirectly }: Span): boolean {
  return callees !== undefined || callsIndirectly
}
