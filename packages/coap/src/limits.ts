/** Bounds of CoAP here, each with its reason; doc/spec/26-coap-and-block-stores.md repeats them. Times are milliseconds. */

export const tokenBytesMax = 8 // RFC 7252; longer ones (RFC 8974) are refused
export const optionsMax = 64 // in one message: ours have at most nine
export const optionBytesMax = 1034 // RFC 7252: the longest Proxy-Uri
export const datagramPayloadBytes = 1024 // RFC 7252: what a message without block-wise transfer should stay below

export const messageBytesBase = 1152 // RFC 8323: what a peer takes before it has said otherwise
export const messageBytesMax: number = 256 * 1024 // of a message that is received over a stream; announced in the CSM
export const bodyBytesMax: number = 1024 * 1024 // of a body put together from blocks
export const bodyTimeoutMs = 300_000 // until a body that goes or comes in blocks is whole: twice what 400 of them take together at 100 ms a round trip
export const uploadsMax = 256 // bodies that are being put together at one time, of all peers
export const uploadBytesMax: number = 16 * 1024 * 1024 // in those bodies together
export const downloadsMax = 256 // answers kept while a peer fetches them block by block
export const downloadBytesMax: number = 16 * 1024 * 1024 // in those answers together
export const transferIdleMs = 60_000 // a block-wise transfer that does not go on is forgotten

export const ackTimeoutMs = 2000 // RFC 7252, 4.8
export const ackRandomFactor = 1.5 // RFC 7252, 4.8
export const retransmitMax = 4 // RFC 7252, 4.8
export const exchangeLifetimeMs = 247_000 // RFC 7252, 4.8.2: so long a message id stands for one message
export const nonLifetimeMs = 145_000 // RFC 7252, 4.8.2: the same for messages that are not confirmed
export const processingDelayMs = 500 // after that a request is acknowledged without its answer
export const outstandingMax = 1 // RFC 7252 NSTART: exchanges with one peer that run at one time
export const waitingMax = 4096 // requests to all peers that wait for their turn
export const confirmablesMax = 8192 // messages that wait for an acknowledgement; above, answers are sent once
export const duplicatesMax = 16_384 // message ids remembered, of all peers
export const duplicateBytesMax: number = 8 * 1024 * 1024 // in the answers remembered with them
export const handlingMax = 1024 // requests of datagrams that are being answered at one time; above: 5.03

export const requestTimeoutMs = 30_000 // until a request without an answer fails
export const requestsInFlightMax = 1024 // own requests on one stream connection
export const handlingPerConnectionMax = 128 // requests of one connection being answered; above, they wait
export const waitingPerConnectionMax = 1024 // requests of one connection that wait to be answered; above, it is not read
export const waitingBytesMax: number = 4 * 1024 * 1024 // in those requests
export const outputBytesMax: number = 1024 * 1024 // unsent answers on one connection; above, its requests wait
export const observationsMax = 64 // of one peer
export const observationsTotalMax = 4096 // of all peers of one server
export const pingsMax = 16 // own pings without a pong on one connection
export const csmTimeoutMs = 10_000 // a peer that has not said its first message is cut off
export const frameTimeoutMs = 30_000 // a message that was begun has to be whole by then
export const idleTimeoutMs = 300_000 // a connection on which nothing happens is released
export const stalledTimeoutMs = 60_000 // a peer that takes nothing of what waits for it is cut off
export const connectionsMax = 1024 // of one server; the one idle for longest makes room
export const heldBytesMax: number = 64 * 1024 * 1024 // unfinished, waiting and unsent on all connections of one server; above, the one that holds most is cut off
export const uploadsPerPeerMax = 16 // the oldest one makes room
