/** Limits of this package, each with its reason; doc/LIMITS.md shows them. */

/** Highest level of a root, for content of up to 2^53 bytes: offsets stay exact numbers. Bounds every recursion. */
export const levelMax: Readonly<Record<1024 | 32768, number>> = { 1024: 11, 32768: 5 }

/** Operations at a time on a store without batches: enough to hide a round trip, few enough for any server. */
export const storeOperationsMax = 64
