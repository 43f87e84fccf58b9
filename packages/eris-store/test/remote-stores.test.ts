/** Stores of others that lie, stall, go away and come back. */
import { createServer as createNetServer } from 'node:net'
import { code, listenCoap } from '@blocktree/coap'
import type { Block, BlockRequest } from '@blocktree/eris'
import { blockForTest } from '@blocktree/eris/conformance'
import { describe, expect, test } from 'vitest'
import { createCoapStore, createHttpStore, storePathDefault } from '@blocktree/eris-store'
import { makeScratch, serveHttp, serveMemory } from './scratch.ts'

const block = blockForTest(1)
const request: BlockRequest = { reference: block.reference, size: 1024 }
const large = (held: Block): BlockRequest => ({ reference: held.reference, size: 32_768 })

describe('a store over HTTP', () => {
  test.each([
    ['too many bytes', new Uint8Array(100_000), 'ERR_ERIS_STORE_ANSWER'],
    ['too few bytes', new Uint8Array(5), 'ERR_ERIS_STORE_ANSWER'],
    ['no bytes', new Uint8Array(0), 'ERR_ERIS_STORE_ANSWER']
  ])('that sends %s is refused', async (_, bytes, expected) => {
    const { url, server } = await serveHttp((_request, response) => void response.end(bytes))
    await using store = createHttpStore(url)
    await expect(store.get(request)).rejects.toMatchObject({ code: expected })
    server.close()
  })

  test('that sends without end is left', async () => {
    let sent = 0
    const { url, server } = await serveHttp((_request, response) => {
      const more = (): void => {
        sent++
        if (!response.destroyed) response.write(new Uint8Array(65_536), () => setTimeout(more, 1))
      }
      more()
    })
    await using store = createHttpStore(url)
    await expect(store.get(request)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_ANSWER' })
    expect(sent).toBeLessThan(100)
    server.closeAllConnections()
    server.close()
  })

  test('that says nothing is away after a while', async () => {
    const { url, server } = await serveHttp(() => undefined)
    await using store = createHttpStore(url, { timeoutMs: 200 })
    await expect(store.get(request)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_UNAVAILABLE' })
    server.closeAllConnections()
    server.close()
  })

  test.each([
    [403, 'ERR_ERIS_STORE_DENIED'],
    [500, 'ERR_ERIS_STORE_UNAVAILABLE'],
    [302, 'ERR_ERIS_STORE_UNAVAILABLE'],
    [418, 'ERR_ERIS_STORE_ANSWER']
  ])('that answers %i is refused', async (status, expected) => {
    const { url, server } = await serveHttp((_request, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' })
      response.end()
    })
    await using store = createHttpStore(url)
    await expect(store.get(request)).rejects.toMatchObject({ code: expected })
    server.close()
  })

  test('that is full says so', async () => {
    const { url, server } = await serveHttp((_request, response) => {
      response.writeHead(507)
      response.end()
    })
    await using store = createHttpStore(url)
    await expect(store.put(block)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_FULL' })
    server.close()
  })

  test('that nobody runs is away', async () => {
    await using store = createHttpStore(new URL('http://127.0.0.1:1'))
    await expect(store.get(request)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_UNAVAILABLE' })
  })
})

describe('a store over CoAP', () => {
  test.each([
    ['another length', { code: code.content, payload: new Uint8Array(5) }, 'ERR_ERIS_STORE_ANSWER'],
    ['more than a block', { code: code.content, payload: new Uint8Array(50_000) }, 'ERR_ERIS_STORE_ANSWER'],
    ['4.03', { code: code.forbidden }, 'ERR_ERIS_STORE_DENIED'],
    ['5.03', { code: code.serviceUnavailable }, 'ERR_ERIS_STORE_UNAVAILABLE'],
    ['2.04 to a GET', { code: code.changed }, 'ERR_ERIS_STORE_ANSWER']
  ])('that answers %s is refused', async (_, answer, expected) => {
    const server = await listenCoap('coap+tcp://127.0.0.1:0', () => answer)
    await using store = createCoapStore(server.url, storePathDefault)
    await expect(store.get(request)).rejects.toMatchObject({ code: expected })
    await server.close()
  })

  test('that goes on after the end of a block is left, over UDP too', async () => {
    const server = await listenCoap('coap://127.0.0.1:0', () => ({
      code: code.content,
      payload: new Uint8Array(200_000)
    }))
    await using store = createCoapStore(server.url, storePathDefault)
    await expect(store.get(request)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_ANSWER' })
    await server.close()
  })

  test('that says nothing is away after a while', async () => {
    const server = createNetServer(() => undefined)
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as { port: number }
    const store = createCoapStore(`coap+tcp://127.0.0.1:${port}`, storePathDefault, { timeoutMs: 300 })
    await expect(store.get(request)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_UNAVAILABLE' })
    await store.close()
    server.close()
  })

  test('is dialled again when it comes back', async () => {
    using scratch = makeScratch()
    const url = `coap+unix://${scratch.path('socket')}`
    await using store = createCoapStore(url, storePathDefault)
    await expect(store.get(request)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_UNAVAILABLE' })
    let server = await serveMemory(url)
    await new Promise((resolve) => {
      setTimeout(resolve, 1100)
    })
    await store.put(block)
    await server.close()
    server = await serveMemory(url)
    expect(await store.get(request)).toBeUndefined()
    await store.put(block)
    expect(Buffer.compare((await store.get(request)) ?? new Uint8Array(0), block.bytes)).toBe(0)
    await server.close()
  })

  test('below another path is found there', async () => {
    const server = await listenCoap('coap+tcp://127.0.0.1:0', ({ path }) => ({
      code: path === '/my%20place/blocks' ? code.content : code.notFound,
      payload: block.bytes
    }))
    await using store = createCoapStore(server.url, '/my place')
    expect((await store.get(request))?.length).toBe(1024)
    await using wrong = createCoapStore(server.url, '/elsewhere')
    expect(await wrong.get(request)).toBeUndefined()
    await server.close()
  })

  test('gives large blocks over UDP many at a time', async () => {
    const server = await serveMemory('coap://127.0.0.1:0')
    await using store = createCoapStore(server.urls[0] ?? '', storePathDefault)
    const blocks = Array.from({ length: 20 }, (_, index) => blockForTest(index, 32_768))
    await Promise.all(blocks.map((one) => store.put(one)))
    const found = await Promise.all(blocks.map((one) => store.get(large(one))))
    for (const [index, one] of blocks.entries())
      expect(Buffer.compare(found[index] ?? new Uint8Array(0), one.bytes)).toBe(0)
    await server.close()
  })
})
