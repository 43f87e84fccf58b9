import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createHttpPort } from '../../src/apps/http-port.ts'

/** Asks a server that answers any request with these bytes. */
async function ask(answer: string): Promise<{ readonly status: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  try {
    return await createHttpPort().request({
      method: 'GET',
      url: new URL(`http://example.test:${port}/`),
      address: '127.0.0.1',
      headers: [],
      content: new Uint8Array(0),
      signal: AbortSignal.timeout(10_000)
    })
  } finally {
    server.close()
  }
}

describe('createHttpPort', () => {
  test('hands on the answer of a server', async () => {
    expect(await ask('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n')).toMatchObject({ status: 204 })
  })

  test.each([
    [
      'switches to another protocol unasked',
      'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
    ],
    ['ends without an answer', ''],
    ['answers with something else than HTTP', 'SSH-2.0-server\r\n\r\n'],
    ['gives two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab']
  ])('refuses a server that %s', async (_, answer) => {
    await expect(ask(answer)).rejects.toMatchObject({ failure: 'unreachable' })
  })
})
