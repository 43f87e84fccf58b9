/** The two ways a module is rewritten before it runs (doc/spec/16-wasm-module.md, section 4). */
import { chargeRulesDefault } from './charge-plan.ts'
import { type RewriteLimits, rewriteLimitsDefault, rewriteModule } from './rewrite-module.ts'

/**
 * The module with fuel: charges, counter, clamped maxima, custom sections dropped but for function names.
 * Equal input gives equal bytes. Throws ModuleError; the input is not changed.
 */
export function instrumentModule(
  bytes: Uint8Array,
  limits: RewriteLimits = rewriteLimitsDefault
): Uint8Array {
  return rewriteModule(bytes, limits, chargeRulesDefault)
}

/** The module with clamped maxima and without custom sections, for an engine that counts fuel itself. */
export function clampModule(bytes: Uint8Array, limits: RewriteLimits = rewriteLimitsDefault): Uint8Array {
  return rewriteModule(bytes, limits, undefined)
}
