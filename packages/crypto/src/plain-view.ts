/** A Buffer as the plain Uint8Array that the port promises: `slice` of a Buffer would be a view, not a copy. */
export function plainView(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
