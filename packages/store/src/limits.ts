/** Every bound of the store, with its reason (doc/spec/11-segments.md, section 7). */

/** A segment is followed by a new one once it is this long: a copy during collection stays short. */
export const segmentBytesTarget: number = 64 * 1024 * 1024
/** The payload of one frame: the largest sector is 1 MiB and a tag; local rows may be larger. */
export const framePayloadBytesMax: number = 8 * 1024 * 1024
/** One batch lies in one segment, so that it is whole or absent; the collector holds one in memory. */
export const batchBytesMax: number = 64 * 1024 * 1024
/** What one group takes before it is written: bounds the staging buffer and the latency of a sync. */
export const groupBytesTarget: number = 8 * 1024 * 1024
/** Payloads from this size on are written from the caller's buffer, smaller ones are copied together. */
export const gatherBytesMin: number = 32 * 1024
/** A `none` batch is acknowledged at once only while less than this is waiting. */
export const queuedBytesMax: number = 64 * 1024 * 1024
/** Keys of rows: what the tree needs is below 200 bytes. */
export const rowKeyBytesMax: number = 1024
/** Values of rows: an index of small values is what LevelDB is good at. */
export const rowValueBytesMax: number = 1024 * 1024
/** Open descriptors of segments besides the one that is written. */
export const openSegmentsMax: number = 64
/** Kept free for the index while the disk is full. */
export const reserveBytes: number = 8 * 1024 * 1024
/** Bytes of one read while a segment is scanned. */
export const scanWindowBytes: number = 4 * 1024 * 1024
/** Rows of one index write during a rebuild. */
export const rebuildRowsPerWrite: number = 20_000
/** Plaintext of one archive chunk: about the size of a sector and its frame. */
export const archiveChunkBytes: number = 256 * 1024
