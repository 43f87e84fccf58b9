/**
 * The frame that carries bytes, `{s: id, d: bin}`, written and read without the general encoder: one copy on the way
 * out, none on the way in (doc/spec/10-rpc.md, section 6). Other encodings of the same map are read by the general
 * decoder.
 */
import { packFrame, unpackFrame } from '@blocktree/codec'

import { isRequestId, type RequestId } from './message.ts'

const mapOfTwo = 0x82
const textOfOne = 0xa1
const nameS = 0x73
const nameD = 0x64
const bin32 = 0xc6
const prefixBytes = 4
const idOffset = 3
const tailBytes = 7 // the name d, bin 32 and its length

/** Length prefix and body. The bytes are copied. */
export function encodeDataFrame(id: RequestId, bytes: Uint8Array): Uint8Array {
  const packedId = packFrame(id)
  const bodyBytes = idOffset + packedId.length + tailBytes + bytes.length
  const frame = new Uint8Array(prefixBytes + bodyBytes)
  const view = new DataView(frame.buffer)
  view.setUint32(0, bodyBytes)
  frame.set([mapOfTwo, textOfOne, nameS], prefixBytes)
  frame.set(packedId, prefixBytes + idOffset)
  const tail = prefixBytes + idOffset + packedId.length
  frame.set([textOfOne, nameD, bin32], tail)
  view.setUint32(tail + 3, bytes.length)
  frame.set(bytes, tail + tailBytes)
  return frame
}

/** Undefined unless the body has exactly the layout above. The bytes are a view of the body. */
export function decodeDataFrame(
  body: Uint8Array
): { readonly s: RequestId; readonly d: Uint8Array } | undefined {
  if (body[0] !== mapOfTwo || body[1] !== textOfOne || body[2] !== nameS) return undefined
  const tail = idOffset + idBytes(body[idOffset] ?? 0)
  if (tail + tailBytes > body.length) return undefined
  if (body[tail] !== textOfOne || body[tail + 1] !== nameD || body[tail + 2] !== bin32) return undefined
  const length = new DataView(body.buffer, body.byteOffset).getUint32(tail + 3)
  if (tail + tailBytes + length !== body.length) return undefined
  const id = decodeId(body.subarray(idOffset, tail))
  return id === undefined ? undefined : { s: id, d: body.subarray(tail + tailBytes) }
}

/** Length of an id by its first byte, for the forms that ids usually have; 0 sends it to the general decoder. */
function idBytes(head: number): number {
  if (head < 0x80) return 1
  if (head >= 0xa0 && head <= 0xbf) return 1 + (head & 0x1f)
  if (head >= 0xcc && head <= 0xce) return 1 + (1 << (head - 0xcc))
  return 0
}

function decodeId(packed: Uint8Array): RequestId | undefined {
  if (packed.length === 0) return undefined
  try {
    const id = unpackFrame(packed)
    return isRequestId(id) ? id : undefined
  } catch {
    return undefined
  }
}
