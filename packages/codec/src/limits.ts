/** Bounds of the codec; doc/LIMITS.md repeats them and a test compares the two. */
export const depthMax = 6 // MODEL B.1.2: deeper nesting has no use in signed bodies
export const integerMax: number = Number.MAX_SAFE_INTEGER // 2^53 - 1
export const headerEnvelopeBytesMax: number = 8 * 1024 // a block header as a whole (B.13)
export const recordBytesMax: number = 256 * 1024 // any other record (B.13)
export const frameBytesMax: number = 4 * 1024 * 1024 // one RPC message; larger content is streamed in chunks
export const frameDepthMax = 64 // containers in a frame or local record; well below any stack limit
export const localRecordBytesMax: number = 1024 * 1024 // index values are small, the rest belongs in segments
