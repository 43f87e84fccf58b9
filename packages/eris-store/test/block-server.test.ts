/** The daemon's resources, as strangers and enemies use them. */
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { request as httpRequest } from 'node:http'
import {
  type CoapPeer,
  code,
  connectCoap,
  createIntegerOption,
  optionNumber,
  resourceOptions
} from '@blocktree/coap'
import { encodeContent, formatReference, formatUrn, nullSecret, putBlocks } from '@blocktree/eris'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { blockForTest } from '@blocktree/eris/conformance'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BlockServer, openBlockStore, startBlockServer } from '@blocktree/eris-store'
import { type Scratch, makeScratch, serveMemory } from './scratch.ts'

const block = blockForTest(1)
const large = blockForTest(2, 32_768)
const path = '/.well-known/eris/blocks'
const open: { close(): Promise<void> }[] = []
let scratch: Scratch
beforeEach(() => {
  scratch = makeScratch()
})
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
  scratch[Symbol.dispose]()
})

async function serve(listen: string): Promise<BlockServer> {
  const server = await serveMemory(listen)
  open.push(server)
  await server.store.put(block)
  await server.store.put(large)
  return server
}

async function dial(listen = 'coap+tcp://127.0.0.1:0'): Promise<CoapPeer> {
  const peer = await connectCoap((await serve(listen)).urls[0] ?? '')
  open.push(peer)
  return peer
}

const raw = { number: optionNumber.uriQuery, value: block.reference }
const size1 = (size: number): ReturnType<typeof createIntegerOption> =>
  createIntegerOption(optionNumber.size1, size)

describe('the block resource over CoAP', () => {
  test.each([
    ['32 bytes and the size', [raw, size1(1024)], code.content],
    ['32 bytes and no size', [raw], code.content],
    ['base32', resourceOptions('', [formatReference(block.reference)]), code.content],
    ['the other size', [raw, size1(32_768)], code.notFound],
    ['a size that no block has', [raw, size1(4096)], code.badRequest],
    ['no reference', [size1(1024)], code.badRequest],
    ['two references', [raw, raw], code.badRequest],
    [
      'lower-case base32',
      resourceOptions('', [formatReference(block.reference).toLowerCase()]),
      code.badRequest
    ],
    ['a reference that is cut off', [{ ...raw, value: block.reference.slice(1) }], code.badRequest],
    ['another format', [raw, createIntegerOption(optionNumber.accept, 60)], code.notAcceptable],
    ['a reference of nothing', [{ ...raw, value: new Uint8Array(32) }], code.notFound]
  ])('answers a GET with %s as it should', async (_, options, expected) => {
    const peer = await dial()
    const wanted = options.filter(({ number }) => number !== optionNumber.uriPath)
    const answer = await peer.request({ code: code.get, options: [...resourceOptions(path), ...wanted] })
    expect(answer.code).toBe(expected)
    if (expected === code.content) expect(Buffer.compare(answer.payload, block.bytes)).toBe(0)
  })

  test.each([
    ['a block', new Uint8Array(1024), [], code.created],
    ['no block', new Uint8Array(1000), [], code.badRequest],
    ['nothing', new Uint8Array(0), [], code.badRequest],
    ['a block and its reference', block.bytes, [raw], code.created],
    ['a block and another reference', new Uint8Array(1024), [raw], code.badRequest]
  ])('answers a PUT of %s as it should', async (_, payload, options, expected) => {
    const peer = await dial()
    const answer = await peer.request({
      code: code.put,
      options: [...resourceOptions(path), ...options],
      payload
    })
    expect(answer.code).toBe(expected)
  })

  test('knows no other method and no other path', async () => {
    const peer = await dial()
    expect((await peer.request({ code: code.post, options: resourceOptions(path) })).code).toBe(
      code.methodNotAllowed
    )
    expect((await peer.request({ code: code.delete, options: resourceOptions(path) })).code).toBe(
      code.methodNotAllowed
    )
    expect((await peer.request({ code: code.get, options: resourceOptions('/elsewhere') })).code).toBe(
      code.notFound
    )
  })

  test('allows no more than its address does', async () => {
    const reading = await dial('coap+tcp://127.0.0.1:0?get')
    const put = { code: code.put, options: resourceOptions(path), payload: new Uint8Array(1024) }
    expect((await reading.request(put)).code).toBe(code.forbidden)
    const writing = await dial('coap+tcp://127.0.0.1:0?put')
    expect((await writing.request({ code: code.get, options: [...resourceOptions(path), raw] })).code).toBe(
      code.forbidden
    )
    expect((await writing.request(put)).code).toBe(code.created)
  })
})

describe('the daemon', () => {
  test('goes on serving after garbage on every one of its sockets', async () => {
    const socket = scratch.path('socket')
    const server = await startBlockServer({
      listen: [`coap+unix://${socket}`, 'coap+tcp://127.0.0.1:0', 'http://127.0.0.1:0'],
      stores: ['memory:']
    })
    open.push(server)
    const ports = server.urls.slice(1).map((url) => Number(url.split(':').at(-1)))
    for (const where of [{ path: socket }, ...ports.map((port) => ({ port, host: '127.0.0.1' }))])
      for (const text of [
        '\r\n\r\n',
        'GET / HTTP/1.1\r\n\r\n',
        '\xff'.repeat(5000),
        '\x00\xe1\xf0\xff\xff\xff\xff'
      ]) {
        const enemy = createConnection(where)
        enemy.on('error', () => undefined)
        enemy.resume()
        enemy.end(Buffer.from(text, 'latin1'))
        await new Promise((resolve) => {
          enemy.once('close', resolve)
        })
      }
    for (const url of server.urls) {
      await using store = await openBlockStore(url)
      await store.put(block)
      expect(await store.has({ reference: block.reference, size: 1024 })).toBe(true)
    }
  })

  test('gives out no block that was damaged on disk, and takes it anew', async () => {
    const { DatabaseSync } = await import('node:sqlite')
    const options = {
      listen: [`coap+unix://${scratch.path('socket')}`],
      stores: [`sqlite:${scratch.path('db')}`]
    }
    const first = await startBlockServer(options)
    await first.store.put(block)
    await first.close()
    const database = new DatabaseSync(scratch.path('db'))
    database.prepare('update block set bytes = ?').run(new Uint8Array(1024))
    database.close()
    open.push(await startBlockServer(options))
    await using store = await openBlockStore(options.listen[0] ?? '')
    expect(await store.get({ reference: block.reference, size: 1024 })).toBeUndefined()
    await store.put(block)
    expect((await store.get({ reference: block.reference, size: 1024 }))?.length).toBe(1024)
  })

  test('asks those who are connected to it, and they answer from their own stores', async () => {
    const hub = await serveMemory('coap+tcp://127.0.0.1:0?get&ask')
    open.push(hub)
    const url = hub.urls[0] ?? ''
    const behind = await startBlockServer({
      listen: [`coap+unix://${scratch.path('behind')}`],
      stores: ['memory:'],
      peers: [`${url}?get&serve`]
    })
    open.push(behind)
    await behind.store.put(block)
    expect(await behind.store.has({ reference: large.reference, size: 32_768 })).toBe(false) // dials the hub
    await using stranger = await openBlockStore(url)
    const found = await stranger.get({ reference: block.reference, size: 1024 })
    expect(Buffer.compare(found ?? new Uint8Array(0), block.bytes)).toBe(0)
    expect(await stranger.get({ reference: large.reference, size: 32_768 })).toBeUndefined()
  })

  test('opens nothing when one of its addresses cannot be listened on', async () => {
    const server = await serve(`coap+unix://${scratch.path('socket')}`)
    const started = startBlockServer({
      listen: [`coap+unix://${scratch.path('other')}`, server.urls[0] ?? ''],
      stores: ['memory:']
    })
    await expect(started).rejects.toMatchObject({ code: 'ERR_COAP_CONNECT' })
    await expect(connectCoap(`coap+unix://${scratch.path('other')}`)).rejects.toMatchObject({
      code: 'ERR_COAP_CONNECT'
    })
  })

  test.each([
    [[], ['memory:']],
    [['coap://127.0.0.1:0'], []]
  ])('needs an address and a store (%j, %j)', async (listen, stores) => {
    await expect(startBlockServer({ listen, stores })).rejects.toMatchObject({ code: 'ERR_ERIS_ARGUMENT' })
  })
})

describe('an HTTP listener with too many connections', () => {
  const start = async (get?: () => Promise<never>): Promise<{ server: BlockServer; url: URL }> => {
    const server = await startBlockServer({
      listen: ['http://127.0.0.1:0'],
      stores: ['memory:'],
      connectionsMax: 10
    })
    open.push(server)
    await server.store.put(block)
    if (get !== undefined) Object.assign(server.store, { get })
    return { server, url: new URL(server.urls[0] ?? '') }
  }
  const connected = async ({ port }: URL): Promise<ReturnType<typeof createConnection>> => {
    const socket = createConnection(Number(port), '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }
  const where = `/uri-res/N2R?urn:blake2b:${formatReference(block.reference)}`

  test('serves whoever asks while others hold all of them and do nothing', async () => {
    const { server, url } = await start()
    const idle = []
    for (let index = 0; index < 40; index++) idle.push(await connected(url))
    expect((await fetch(new URL(where, url))).status).toBe(200)
    expect(server.connections).toBeLessThanOrEqual(10)
    for (const socket of idle) socket.destroy()
  })

  test('refuses another one when all are at work', async () => {
    const { server, url } = await start(() => new Promise(() => undefined))
    const busy = []
    for (let index = 0; index < 10; index++) {
      const socket = await connected(url)
      socket.write(`GET ${where} HTTP/1.1\r\nhost: x\r\n\r\n`)
      busy.push(socket)
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
    await expect(fetch(new URL(where, url))).rejects.toThrow('fetch failed')
    expect(busy.every(({ destroyed }) => !destroyed)).toBe(true)
    expect(server.connections).toBe(10)
    for (const socket of busy) socket.destroy()
  })
})

describe('contents over HTTP', () => {
  /** Status and body of a request to a Unix socket. */
  const ask = async (
    socket: string,
    where: string,
    headers: Record<string, string> = {}
  ): Promise<{ status: number | undefined; body: Buffer }> =>
    await new Promise((resolve, reject) => {
      const asked = httpRequest({ socketPath: socket, path: where, headers }, (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(parts) }))
      })
      asked.on('error', reject)
      asked.end()
    })

  test('are decoded on a private socket, whole and in part, and nowhere else', async () => {
    const socket = scratch.path('http')
    const server = await startBlockServer({
      listen: [`http+unix://${socket}`, 'http://127.0.0.1:0'],
      stores: ['memory:']
    })
    open.push(server)
    const content = Buffer.alloc(50_000, 'some text that is not all the same 123 ')
    const { capability } = await encodeContent(
      {
        kernel: chooseBlockKernel(),
        put: (blocks) => putBlocks(server.store, blocks),
        blockSize: 1024,
        secret: nullSecret()
      },
      [content]
    )
    const where = `/uri-res/N2R?${formatUrn(capability)}`
    const whole = await ask(socket, where)
    expect([whole.status, Buffer.compare(whole.body, content)]).toEqual([200, 0])
    const part = await ask(socket, where, { range: 'bytes=40000-40099' })
    expect([part.status, Buffer.compare(part.body, content.subarray(40_000, 40_100))]).toEqual([206, 0])
    const last = await ask(socket, where, { range: 'bytes=-10' })
    expect([last.status, Buffer.compare(last.body, content.subarray(-10))]).toEqual([206, 0])
    expect((await ask(socket, where, { range: 'bytes=50000-' })).status).toBe(416)
    expect((await ask(socket, '/uri-res/N2R?urn:eris:NONSENSE')).status).toBe(400)
    const missing = formatUrn({ ...capability, rootReference: block.reference, level: 2 })
    expect((await ask(socket, `/uri-res/N2R?${missing}`)).status).toBe(404)
    expect((await fetch(`${server.urls[1]}${where}`)).status).toBe(403)
  })
})
