/** Bounds of the host side that are not in a manifest. */

export const pathBytesMax = 4096 // of a guest's path; the tree's own bound is lower for each name
export const pathComponentsMax = 64 // deeper trees than people make
export const pendingBytesMax: number = 16 * 1024 * 1024 // uncommitted writes of one open file kept in memory
export const patchesMax = 4096 // uncommitted pieces of one open file
export const leaseMsMax = 3_600_000 // an hour; who needs longer renews
export const lockWaitersMax = 64 // callers waiting for one file
export const randomBytesMax = 65_536 // of one call, as getrandom gives at once
export const changesPending = 256 // of one watch, until the app takes them; then it is told of an overrun
export const timerDelayMsMin = 10 // a timer is no busy loop
export const messagesQueued = 256 // for one app that is busy
export const messageReplyMsMax = 86_400_000 // a day
export const questionsPending = 4 // of one app; a person is not to be flooded
export const questionMs = 600_000 // then it is unanswered
export const redirectsMax = 20 // what browsers follow
export const redirectBytesMax: number = 64 * 1024 // bodies of redirects are read and dropped up to this
export const clientBodyBytesMax: number = 256 * 1024 * 1024 // of one answer to an app, all parts together
export const clientAddressesTried = 4 // of a name with several
export const udpPeersKept = 64 // of one socket: addresses that were sent to by a name
export const historyEntriesMax = 1000 // of one call
export const listEntriesMax = 1000 // of one call
export const uncopiedBytesMin: number = 16 * 1024 // byte lists in replies from here on are sent from where they lie
export const keysListedMax = 1000 // of one call
export const keyValueEntriesMax = 100_000 // all are known by name in memory
export const streamPartsAhead = 4 // written by an app before the client has taken them
export const logBytesAboutCalls = 16_384 // a second, of what the node says about calls of one app
export const logLineCharactersMax = 16_384 // of one line, as long as an app may write; escapes may make it longer
