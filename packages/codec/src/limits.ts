/** Bounds of the codec; doc/LIMITS.md is written from here. */
export const depthMax = 6 // arrays inside one another (spec 01, section 2): signed bodies need no more
export const integerMax: number = Number.MAX_SAFE_INTEGER // what a double holds exactly (spec 01, section 1)
export const headerEnvelopeBytesMax: number = 8 * 1024 // a block header as a whole (spec 02, section 1)
export const recordBytesMax: number = 256 * 1024 // any other record (spec 02, section 1)
export const frameBytesMax: number = 4 * 1024 * 1024 // one RPC message; larger content is streamed in chunks
export const frameDepthMax = 64 // containers in a frame or local record; well below any stack limit
export const localRecordBytesMax: number = 1024 * 1024 // index values are small, the rest belongs in segments
