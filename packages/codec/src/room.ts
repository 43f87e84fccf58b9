/**
 * Room for bytes. In Node each typed array with a buffer of its own costs an allocation and a part of every
 * collection, together 200 to 400 ns: more than what is written into it. A thread that makes them by the million and keeps
 * none (bulk import) cuts them from chunks instead; everywhere else each has its own buffer, since whoever keeps
 * a view keeps its whole chunk.
 */
const chunkBytes = 64 * 1024
const cutBytesMax = 4096 // longer ones are few

let cutsFromChunks = false
let chunk = new ArrayBuffer(0)
let used = 0

/** For this thread and for good. What is made from now on must not be transferred, nor posted without a copy. */
export function cutBytesFromChunks(): void {
  cutsFromChunks = true
}

/** `length` zeros that belong to the caller. */
export function newBytes(length: number): Uint8Array {
  if (!cutsFromChunks || length > cutBytesMax) return new Uint8Array(length)
  if (used + length > chunk.byteLength) {
    chunk = new ArrayBuffer(chunkBytes)
    used = 0
  }
  const bytes = new Uint8Array(chunk, used, length)
  used += (length + 7) & ~7
  return bytes
}

/** The bytes from `start` to before `end`, copied. */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (!cutsFromChunks) return bytes.slice(start, end)
  const copy = newBytes(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}
