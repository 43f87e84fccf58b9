/** Limits of the coordinator (doc/spec/29-coordinator.md, section 8). */

/** bytes of the name of a lock or a sequence */
export const nameBytesMax = 128
/** bytes of the name of a member */
export const memberBytesMax = 128
/** members that vote; further ones follow as learners */
export const votersMax = 7
/** members of both kinds */
export const membersMax = 64
/** callers in the queue of one lock */
export const waitersMax = 256
/** bytes that locks, queues, sequences and sessions may take together, as `CoordinatorState.size` counts them */
export const stateBytesMax: number = 256 * 1024
/** locks that a member without a vote holds or waits for: a tenth of the state */
export const votelessLocksMax = 128
/** sequences that there may be when a member without a vote asks for another one: they stay for ever */
export const votelessSequencesMax = 1024
/** bytes of one command in the log */
export const commandBytesMax: number = 1024
/** entries in one append message */
export const entriesPerMessageMax = 256
/** entries after which the state is written as a snapshot and the log begins anew */
export const entriesPerSnapshot = 4096
/** results kept of one session, for commands that arrive twice */
export const resultsPerSessionMax = 1024
export const ttlMsMin = 1000
export const ttlMsMax = 3_600_000
export const sequenceCountMax = 1_000_000
