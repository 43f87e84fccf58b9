/** Limits of this package, each with its reason; doc/LIMITS.md shows them. */

/** Highest level of a root, for content of up to 2^53 bytes: offsets stay exact numbers. Bounds every recursion. */
export const levelMax: Readonly<Record<1024 | 32768, number>> = { 1024: 11, 32768: 5 }

/** Operations at a time on a store without batches: enough to hide a round trip, few enough for any server. */
export const storeOperationsMax = 64

/** Content beyond this has offsets that are not exact numbers. */
export const contentBytesMax: number = Number.MAX_SAFE_INTEGER

/** Leaves that are sealed or opened in one call: some hundred microseconds of work, so one thread hop costs little. */
export const batchBytesMax = 524_288

/** Nodes above the leaves are sealed together up to this. */
export const nodeBatchBytes = 16_384

/** Content below this is done before a thread has started. */
export const workersFromBytes = 4_194_304

/** Batches that may wait for a store: one is being put while the next is made. */
export const putsUnderWayMax = 2

/** Nodes of one level that are fetched together: their pairs make one batch of small leaves. */
export const nodesAtOnce = 16

/** Batches of leaves that are fetched while one is read; 3 MiB at most. */
export const fetchesUnderWay = 6

/** Entries of a directory tree: an index of some 100 MiB. */
export const treeEntriesMax = 1_000_000
export const treeIndexBytesMax = 134_217_728

/** What Linux takes: names, whole paths, targets of links. */
export const nameBytesMax = 255
export const pathBytesMax = 4095
export const linkTargetBytesMax = 4095

/** Directories in directories: the same as trees of blocks have. */
export const pathNamesMax = 128

/** A link file is for a desktop, not a database. */
export const linkAttributesMax = 256
