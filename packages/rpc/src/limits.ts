/** Bounds of the protocol, each with its reason; doc/spec/10-rpc.md repeats them. */
export { frameBytesMax } from '@blocktree/codec' // below 16 MiB: the first byte of a frame's length is zero

export const lineBytesMax: number = 16 * 1024 * 1024 // one JSON line, newline not counted
export const batchRequestsMax = 1000 // a JSON array of requests: its answers are held until all are there
export const requestsInFlightMax = 1024 // asynchronous requests running per connection
export const requestsWaitingMax = 4096 // requests parked per connection before its input is paused
export const waitingBytesMax: number = 4 * 1024 * 1024 // bytes of parked requests before input is paused
export const subscriptionsMax = 256 // per connection
export const subscriptionEventsMax = 1024 // events held for a peer that does not read
export const streamWindowBytes: number = 1024 * 1024 // initial credit of an upload or a download
export const streamChunkBytesMax: number = 256 * 1024 // lets answers pass between the chunks of a stream
export const outputBytesMax: number = 64 * 1024 // answers gathered before they are handed to the transport
export const idCharactersMax = 256 // a request id that is text
export const messageCharactersMax = 2000 // an error message on the wire
