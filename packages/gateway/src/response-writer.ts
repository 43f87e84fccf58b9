/**
 * Writes one answer at the speed of its client. A stream is read only as fast as it is sent, and is ended when the
 * client has gone, so that nobody's slow line fills the memory of the node.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/** Sends head and body; the bytes of body, handed to the connection. */
export function writeWhole(
  response: ServerResponse,
  status: number,
  head: string[],
  body: Uint8Array
): number {
  response.writeHead(status, head)
  response.end(body)
  return body.byteLength
}

/** Resolves to the bytes of body sent, once all has been handed to the connection or the client has gone. */
export async function writeStream(
  response: ServerResponse,
  status: number,
  head: string[],
  body: AsyncIterable<Uint8Array>
): Promise<number> {
  response.writeHead(status, head)
  let bytes = 0
  for await (const part of body) {
    if (response.destroyed || response.closed) break
    bytes += part.byteLength
    if (!response.write(part)) await drained(response)
  }
  response.end()
  return bytes
}

async function drained(response: ServerResponse): Promise<void> {
  const ended = new AbortController()
  try {
    const { signal } = ended
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  } finally {
    ended.abort()
  }
}
