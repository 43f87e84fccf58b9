/** Real sockets on this machine: what the protocol tests cannot show. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type Socket, createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type CoapPeer,
  type CoapServer,
  type Handler,
  code,
  connectCoap,
  describeResources,
  listenCoap,
  wellKnownCorePath
} from '../src/index.ts'
import { bytesOf, get, pattern, put, textOf } from './samples.ts'

let directory: string
const open: { close(): Promise<void> }[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coap-'))
})
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
  rmSync(directory, { recursive: true, force: true })
})

function unixUrl(): string {
  return `coap+unix://${directory}/socket`
}

async function serve(
  url: string,
  handler: Handler,
  options: Parameters<typeof listenCoap>[2] = {}
): Promise<CoapServer> {
  const server = await listenCoap(url, handler, options)
  open.push(server)
  return server
}

async function dial(url: string, options: Parameters<typeof connectCoap>[1] = {}): Promise<CoapPeer> {
  const peer = await connectCoap(url, options)
  open.push(peer)
  return peer
}

const echo: Handler = ({ payload, path }) =>
  path === wellKnownCorePath
    ? describeResources([{ path: '/x', title: 'a "thing"' }])
    : { code: code.content, payload }

describe.each([
  ['a Unix socket', unixUrl],
  ['TCP', () => 'coap+tcp://127.0.0.1:0'],
  ['UDP', () => 'coap://127.0.0.1:0'],
  ['TCP over IPv6', () => 'coap+tcp://[::1]:0']
])('over %s', (_, urlOf) => {
  test.each([0, 1, 1024, 32_768])('a body of %i bytes comes and goes', async (length) => {
    const server = await serve(urlOf(), echo)
    const peer = await dial(server.url)
    const answer = await peer.request(put('/x', pattern(length)))
    expect(Buffer.compare(answer.payload, pattern(length))).toBe(0)
  })

  test('a ping is answered, and what is offered is listed', async () => {
    const peer = await dial((await serve(urlOf(), echo)).url)
    await peer.ping({ timeoutMs: 5000 })
    expect(textOf(await peer.request(get(wellKnownCorePath)))).toBe('</x>;title="a \\"thing\\""')
  })
})

describe('a Unix socket', () => {
  test('is for its owner alone unless it is said otherwise', async () => {
    await serve(unixUrl(), echo)
    expect(statSync(join(directory, 'socket')).mode & 0o777).toBe(0o600)
    await serve(`coap+unix://${directory}/other`, echo, { socketMode: 0o660 })
    expect(statSync(join(directory, 'other')).mode & 0o777).toBe(0o660)
  })

  test('that a killed process left behind is replaced, one in use is not', async () => {
    const server = await serve(unixUrl(), echo)
    await expect(listenCoap(unixUrl(), echo)).rejects.toMatchObject({ code: 'ERR_COAP_CONNECT' })
    expect(server.connections).toBeLessThanOrEqual(1)
  })

  test('does not take the place of a file', async () => {
    writeFileSync(join(directory, 'socket'), 'mine')
    await expect(listenCoap(unixUrl(), echo)).rejects.toMatchObject({ code: 'ERR_COAP_CONNECT' })
  })
})

describe('dialling', () => {
  test.each(['coap+tcp://127.0.0.1:1', 'coap+unix:///nowhere/at/all', 'coap+tcp://no-such-host.invalid'])(
    '%s says that nobody is there',
    async (url) => {
      await expect(connectCoap(url)).rejects.toMatchObject({ code: 'ERR_COAP_CONNECT' })
    }
  )

  test.each(['http://x', 'coap://', 'coap+unix://', 'coap+unix:relative', 'coap://user@host', 'nonsense'])(
    '%s says that it is no address',
    async (url) => {
      await expect(connectCoap(url)).rejects.toMatchObject({ code: 'ERR_COAP_URL' })
    }
  )

  test('makes a connection on which the server can ask too', async () => {
    let client: CoapPeer | undefined
    const server = await serve(unixUrl(), echo, { onConnection: (peer) => (client = peer) })
    const peer = await dial(server.url, {
      handler: () => ({ code: code.content, payload: bytesOf('from the client') })
    })
    await peer.ping()
    expect(textOf((await client?.request(get('/'))) ?? { code: 0, options: [], payload: bytesOf('') })).toBe(
      'from the client'
    )
  })

  test('ends with an error for what runs when the server goes away', async () => {
    const server = await listenCoap(unixUrl(), () => new Promise(() => undefined))
    const peer = await dial(server.url)
    const answer = peer.request(get('/'))
    const failure = expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_CLOSED' })
    await peer.ping()
    await server.close()
    await failure
  })
})

describe('a server with too many connections', () => {
  const idle = async (path: string, count: number): Promise<Socket[]> =>
    await Promise.all(
      Array.from(
        { length: count },
        () =>
          new Promise<Socket>((resolve) => {
            const socket = createConnection(path)
            socket.on('error', () => resolve(socket))
            socket.once('connect', () => resolve(socket))
            socket.resume()
          })
      )
    )

  test('keeps serving while 10,000 others come and do nothing', { timeout: 60_000 }, async () => {
    const server = await serve(unixUrl(), echo, { connectionsMax: 200 })
    const peer = await dial(server.url)
    const before = process.memoryUsage().rss
    const sockets: Socket[] = []
    for (let round = 0; round < 50; round++) {
      sockets.push(...(await idle(join(directory, 'socket'), 200)))
      await peer.request(put('/x', bytesOf('still here')))
      expect(server.connections).toBeLessThanOrEqual(200)
    }
    expect(textOf(await peer.request(put('/x', bytesOf('still here'))))).toBe('still here')
    const late = await dial(server.url)
    expect(textOf(await late.request(put('/x', bytesOf('me too'))))).toBe('me too')
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000)
    for (const socket of sockets) socket.destroy()
  })

  test('refuses another one when all are at work', async () => {
    const server = await serve(unixUrl(), () => new Promise(() => undefined), { connectionsMax: 2 })
    const peers = [await dial(server.url), await dial(server.url)]
    for (const peer of peers) peer.request(get('/')).catch(() => undefined)
    for (const peer of peers) await peer.ping()
    const third = await dial(server.url)
    await third.closed
    expect(server.connections).toBe(2)
  })

  test('holds little for those who send and never read', { timeout: 60_000 }, async () => {
    const answer = { code: code.content, payload: pattern(32_768) }
    const server = await serve(unixUrl(), () => answer)
    const greeting = Buffer.from('00e1', 'hex')
    const sockets = await idle(join(directory, 'socket'), 80)
    for (const socket of sockets) {
      socket.pause()
      socket.write(Buffer.concat([greeting, Buffer.from('0001'.repeat(5000), 'hex')]))
    }
    const peer = await dial(server.url)
    for (let round = 0; round < 20; round++) {
      await peer.request(get('/'))
      expect(server.heldBytes).toBeLessThan(70_000_000)
    }
    for (const socket of sockets) socket.destroy()
  })
})
