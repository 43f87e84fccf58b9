/** The body of a request, bounded: whole when it is small and its size is known, else a stream. */
import type { IncomingMessage } from 'node:http'
import { GatewayError } from './gateway-error.ts'
import { bodyBytesCollected } from './limits.ts'

const empty = new Uint8Array(0)

/** A promise only where bytes are to be gathered. `length` is the declared one; undefined when it is sent in chunks. */
export function readBody(
  message: IncomingMessage,
  length: number | undefined,
  bytesMax: number
): Uint8Array | AsyncIterable<Uint8Array> | Promise<Uint8Array> {
  if (length === 0) return empty
  const stream = boundedBody(message, bytesMax)
  return length === undefined || length > bodyBytesCollected ? stream : gather(stream, length)
}

async function gather(stream: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(length) // the parser of HTTP never gives more than was declared
  let at = 0
  for await (const part of stream) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

/** @throws ERR_GATEWAY_BODY_TOO_LARGE, ERR_GATEWAY_BODY_CUT while it is read */
async function* boundedBody(message: IncomingMessage, bytesMax: number): AsyncGenerator<Uint8Array, void> {
  let bytes = 0
  try {
    for await (const part of message.iterator({ destroyOnReturn: false })) {
      if (!(part instanceof Uint8Array)) continue
      bytes += part.byteLength
      if (bytes > bytesMax) {
        throw new GatewayError('ERR_GATEWAY_BODY_TOO_LARGE', `the body exceeds ${bytesMax} bytes`)
      }
      yield part
    }
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause
    throw new GatewayError('ERR_GATEWAY_BODY_CUT', `the body ended after ${bytes} bytes`, { cause })
  }
}
