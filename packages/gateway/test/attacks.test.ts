/** What a hostile client, page or app sends to get past the gateway; each refusal beside what is taken. */
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { AppResponse, GatewayOptions, ServedApp } from '../src/index.ts'
import { type Fixture, app, echo, openGateway, parseAnswer, textAsset } from './gateway-fixture.ts'

const opened: Fixture[] = []
afterEach(async () => {
  for (const fixture of opened.splice(0)) await fixture.gateway.close(0)
})

async function open(served: ServedApp, options: Partial<GatewayOptions> = {}): Promise<Fixture> {
  const fixture = await openGateway(served, options)
  opened.push(fixture)
  return fixture
}

/** An app that says which paths it was asked for, and reads every body. */
function witness(): { readonly served: ServedApp; readonly seen: string[] } {
  const seen: string[] = []
  const handle: ServedApp['handle'] = async (request) => {
    const body = await text(request.body)
    seen.push(`${request.method} ${request.path} ${body}`)
    return echo(request)
  }
  return { served: app({ handle }), seen }
}

async function text(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(body instanceof Uint8Array ? [body] : await Array.fromAsync(body)).toString()
}

function answering(answer: AppResponse): ServedApp {
  return app({ handle: () => Promise.resolve(answer) })
}

const host = 'host: notes.localhost\r\n'
const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: notes.localhost\r\n\r\n'

describe('one request cannot be read as two', () => {
  test.each([
    ['a length and chunks', 'content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunks and a length', 'transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'content-length: 0\r\ncontent-length: 52\r\n\r\n'],
    ['two equal lengths', 'content-length: 1\r\ncontent-length: 1\r\n\r\na'],
    ['a list of lengths', 'content-length: 0, 0\r\n\r\n'],
    ['a signed length', 'content-length: +0\r\n\r\n'],
    ['a negative length', 'content-length: -1\r\n\r\n'],
    ['a hexadecimal length', 'content-length: 0x0\r\n\r\n'],
    ['a length too large to count', 'content-length: 18446744073709551616\r\n\r\n'],
    ['a space before the colon', 'content-length : 52\r\n\r\n'],
    ['a folded length', 'content-length:\r\n 52\r\n\r\n'],
    ['a folded header', 'a: b\r\n c: d\r\n\r\n'],
    ['an encoding it does not know', 'transfer-encoding: xchunked\r\n\r\n'],
    ['chunks that are not last', 'transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['chunks twice', 'transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunks behind a tab', 'transfer-encoding:\tchunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n'],
    ['a line that ends in LF alone', 'a: b\nc: d\r\n\r\n'],
    ['a head that ends in LF alone', 'a: b\r\n\n'],
    ['a CR inside a value', 'a: b\rcontent-length: 52\r\n\r\n'],
    ['a NUL inside a value', 'a: b\0c\r\n\r\n'],
    ['a chunk of negative size', 'transfer-encoding: chunked\r\n\r\n-1\r\n\r\n'],
    ['a chunk whose size is not a number', 'transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n'],
    ['a chunk too large to count', 'transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n'],
    ['a chunk longer than its size', 'transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n'],
    ['a chunk size that ends in LF alone', 'transfer-encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n']
  ])('refuses %s', async (_, rest) => {
    const { served, seen } = witness()
    const { raw } = await open(served)
    const answer = await raw(`POST /first HTTP/1.1\r\n${host}${rest}${smuggled}`, 3000)
    expect(parseAnswer(answer).status).toBe(400)
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(seen.filter((line) => line.includes('smuggled'))).toEqual([])
  })

  test('takes a length, and chunks, each alone', async () => {
    const { served, seen } = witness()
    const { raw } = await open(served)
    await raw(
      `POST /1 HTTP/1.1\r\n${host}content-length: 5\r\n\r\nhelloPOST /2 HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nx: y\r\n\r\nGET /3 HTTP/1.1\r\n${host}connection: close\r\n\r\n`,
      3000
    )
    expect(seen).toEqual(['POST /1 hello', 'POST /2 hello', 'GET /3 '])
  })

  test('the body of a request for an asset is no request', async () => {
    const { served, seen } = witness()
    const { raw } = await open({ ...served, asset: (path) => (path === '/a' ? textAsset('a') : undefined) })
    const length = `content-length: ${smuggled.length}\r\n`
    const next = `GET /next HTTP/1.1\r\n${host}connection: close\r\n\r\n`
    const answer = await raw(`GET /a HTTP/1.1\r\n${host}${length}\r\n${smuggled}${next}`, 3000)
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
    expect(seen).toEqual(['GET /next '])
  })
})

describe('a request line', () => {
  test.each([
    ['an absolute target', 'GET http://notes.localhost/ HTTP/1.1'],
    ['an absolute target of another host', 'GET http://files.localhost/ HTTP/1.1'],
    ['no path', 'OPTIONS * HTTP/1.1'],
    ['a network path', 'GET //files.localhost/ HTTP/1.1'],
    ['a space in the target', 'GET /a b HTTP/1.1'],
    ['a fragment', 'GET /a#b HTTP/1.1'],
    ['a backslash', 'GET /a\\..\\b HTTP/1.1'],
    ['a version to come', 'GET / HTTP/9.9'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0'],
    ['a method nobody knows', 'STEAL / HTTP/1.1'],
    ['a method in lower case', 'get / HTTP/1.1']
  ])('with %s is refused', async (_, line) => {
    const { served, seen } = witness()
    const { raw } = await open(served)
    const answer = await raw(`${line}\r\n${host}connection: close\r\n\r\n`, 3000)
    expect(parseAnswer(answer).status).toBe(400)
    expect(seen).toEqual([])
  })

  test('of a version before headers is refused, since it names no host', async () => {
    const { raw } = await open(app())
    expect(parseAnswer(await raw('GET /\r\n\r\n', 3000)).status).not.toBe(200)
  })

  test('that asks for a tunnel gets none', async () => {
    const { served, seen } = witness()
    const { raw } = await open(served)
    expect(await raw(`CONNECT files.localhost:80 HTTP/1.1\r\n${host}\r\n`, 3000)).toBe('')
    expect(seen).toEqual([])
  })
})

describe('a Host header', () => {
  test.each([
    'notes.localhost.',
    'notes.localhost:',
    'notes.localhost:99999',
    'notes.localhost:80:80',
    'a@notes.localhost',
    'notes.localhost/..',
    'notes.localhost, notes.localhost',
    'notes.localhost#',
    '.localhost',
    'a.notes.localhost',
    'notes_.localhost',
    '-notes.localhost',
    'notes.localhost.example.org',
    'xn--nts-vla.example.org',
    'nötes.localhost',
    '[::1',
    '[::1%lo]',
    '127.0.0.2',
    '0x7f000001',
    '2130706433'
  ])('%s is nobody here', async (name) => {
    const { served, seen } = witness()
    const { ask } = await open(served)
    expect((await ask(`GET / HTTP/1.1\nhost: ${name}`)).status).toBe(421)
    expect(seen).toEqual([])
  })

  test.each(['notes.localhost', 'NOTES.localhost:81', 'notes.LocalHost'])('%s is the app', async (name) => {
    const { ask } = await open(app())
    expect((await ask(`GET / HTTP/1.1\nhost: ${name}`)).status).toBe(200)
  })

  test('behind very many other headers still counts, and a second one is refused', async () => {
    const { raw } = await open(app())
    const many = 'a:\r\n'.repeat(120)
    const one = await raw(`GET / HTTP/1.1\r\n${many}${host}connection: close\r\n\r\n`, 3000)
    const two = await raw(`GET / HTTP/1.1\r\n${host}${many}${host}connection: close\r\n\r\n`, 3000)
    expect([parseAnswer(one).status, parseAnswer(two).status]).toEqual([200, 421])
  })
})

describe('headers of a request', () => {
  test('more than an app can be told of are refused, none is left out silently', async () => {
    const { served, seen } = witness()
    const { raw } = await open(served)
    const answer = await raw(
      `POST / HTTP/1.1\r\n${host}${'a:\r\n'.repeat(2100)}content-length: 5\r\n\r\nhello`,
      3000
    )
    expect(parseAnswer(answer).status).toBe(431)
    expect(seen).toEqual([])
  })

  test('that the client binds to its connection stay there', async () => {
    const { ask } = await open(app())
    const { body } = await ask(
      'GET / HTTP/1.1\nhost: notes.localhost\nconnection: x-hop, keep-alive\nx-hop: 1\nx-end: 2'
    )
    expect(body).toContain('x-end')
    expect(body).not.toContain('x-hop')
  })
})

describe('connections', () => {
  test('one that resets itself after asking for an upgrade harms nobody', async () => {
    const { port, ask } = await open(app())
    for (let count = 0; count < 20; count++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
      socket.write(`GET / HTTP/1.1\r\n${host}connection: upgrade\r\nupgrade: websocket\r\n\r\n`)
      socket.resetAndDestroy()
    }
    await delay(50)
    expect((await ask('GET / HTTP/1.1\nhost: notes.localhost')).status).toBe(200)
  })

  test.each([
    ['an upgrade', 'connection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['an expectation', 'expect: miracles\r\n\r\n']
  ])('one that asked for %s and stays is ended', async (_, rest) => {
    const fixture = await open(app())
    const socket = connect({ port: fixture.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined).resume()
    socket.write(`GET / HTTP/1.1\r\n${host}${rest}`)
    await expect.poll(() => fixture.gateway.connections, { timeout: 3000 }).toBe(0)
    socket.destroy()
  })

  test('of one address are bounded, so that others find room', async () => {
    const fixture = await open(app(), { limits: { connectionsPerAddressMax: 4 } })
    const sockets = Array.from({ length: 8 }, () => connect(fixture.port, '127.0.0.1'))
    let ended = 0
    for (const socket of sockets) socket.on('error', () => undefined).once('close', () => ended++)
    await expect.poll(() => ended).toBe(4)
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => fixture.gateway.connections).toBe(0)
    expect((await fixture.ask('GET / HTTP/1.1\nhost: notes.localhost')).status).toBe(200)
  })

  test('a client that drips its body does not hold its request for ever', async () => {
    const { raw } = await open(witness().served, { limits: { requestTimeoutMs: 300, headersTimeoutMs: 200 } })
    const started = performance.now()
    const answer = await raw(`POST / HTTP/1.1\r\n${host}content-length: 10\r\n\r\na`, 10_000)
    expect(performance.now() - started).toBeLessThan(8000)
    expect(answer).not.toContain(' 200 ')
  })

  test('a client that reads nothing is let go', async () => {
    const part = new Uint8Array(1024 * 1024)
    let isEnded = false
    const body = async function* (): AsyncGenerator<Uint8Array, void> {
      try {
        for (;;) yield await Promise.resolve(part)
      } finally {
        isEnded = true
      }
    }
    const { port } = await open(answering({ status: 200, headers: [], body: body() }), {
      limits: { idleTimeoutMs: 300 }
    })
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined).pause()
    socket.write(`GET / HTTP/1.1\r\n${host}\r\n`)
    await expect.poll(() => isEnded, { timeout: 5000 }).toBe(true)
    socket.destroy()
  })
})

describe('an answer of an app', () => {
  const fine: AppResponse = { status: 200, headers: [], body: new TextEncoder().encode('hello') }

  test.each([
    ['a line break in a value', { headers: [['a', 'b\r\nset-cookie: c=d']] }],
    ['a line feed in a value', { headers: [['a', 'b\nc: d']] }],
    ['a line break that only looks like another letter', { headers: [['a', 'b\u010d\u010ac: d']] }],
    ['a NUL in a value', { headers: [['a', 'b\0']] }],
    ['a line break in a name', { headers: [['a\r\nb', 'c']] }],
    ['a colon in a name', { headers: [['a: b', 'c']] }],
    ['a name that is empty', { headers: [['', 'c']] }],
    ['an encoding of its own', { headers: [['Transfer-Encoding', 'chunked']] }],
    ['a connection of its own', { headers: [['Connection', 'close']] }],
    ['a length that is not its own', { headers: [['Content-Length', '2']] }],
    ['a length twice', { headers: [['content-length', '5, 5']] }],
    ['a status that is a beginning', { status: 103 }],
    ['a status that switches protocols', { status: 101 }],
    ['a status that is none', { status: 600 }],
    ['a status that is no number', { status: Number.NaN }],
    ['a status that is half', { status: 200.5 }],
    ['reports to another server', { headers: [['Reporting-Endpoints', 'a="https://thief.example/"']] }],
    ['reports to another server, the old way', { headers: [['report-to', '{}']] }],
    ['reports of network errors', { headers: [['nel', '{}']] }],
    [
      'a policy that reports',
      { headers: [['content-security-policy', "img-src 'none'; report-uri https://thief.example/"]] }
    ],
    [
      'a policy that only reports',
      { headers: [['content-security-policy-report-only', "img-src 'none'; Report-To thief"]] }
    ]
  ] as readonly (readonly [string, Partial<AppResponse>])[])('with %s is not sent', async (_, more) => {
    const { ask, lines } = await open(answering({ ...fine, ...more }))
    const answer = await ask('GET / HTTP/1.1\nhost: notes.localhost')
    expect([answer.status, answer.body]).toEqual([502, '502 ERR_GATEWAY_RESPONSE\n'])
    expect(lines[0]?.failure?.code).toBe('ERR_GATEWAY_RESPONSE')
  })

  test.each([
    ['its own length', { headers: [['content-length', '5']] }],
    ['a policy that is stricter', { headers: [['content-security-policy', "img-src 'none'"]] }],
    ['letters that are no ASCII', { headers: [['a', 'b\u00e4']] }]
  ] as readonly (readonly [string, Partial<AppResponse>])[])('with %s is sent', async (_, more) => {
    const { ask } = await open(answering({ ...fine, ...more }))
    expect((await ask('GET / HTTP/1.1\nhost: notes.localhost')).body).toBe('hello')
  })

  test.each([
    ['longer', 'hello GET / HTTP/1.1'],
    ['shorter', 'hel']
  ])(
    'whose stream is %s than it said is broken off, and nothing of it passes for the next answer',
    async (_, body) => {
      const stream = async function* (): AsyncGenerator<Uint8Array, void> {
        for (const letter of body) yield await Promise.resolve(new TextEncoder().encode(letter))
      }
      const { raw, lines } = await open(
        app({
          handle: (request) =>
            Promise.resolve(
              request.path === '/next' ? fine : { status: 200, headers: [], body: stream(), bodyBytes: 5 }
            )
        })
      )
      const answer = await raw(
        `GET / HTTP/1.1\r\n${host}\r\nGET /next HTTP/1.1\r\n${host}connection: close\r\n\r\n`,
        3000
      )
      expect(answer).not.toContain('GET /')
      expect(answer.split('HTTP/1.1 ').length).toBeLessThanOrEqual(2)
      expect(lines.map(({ failure }) => failure?.code)).toContain('ERR_GATEWAY_RESPONSE')
    }
  )

  test('to HEAD may say how long the body would be', async () => {
    const { ask } = await open(
      answering({ status: 200, headers: [['content-length', '1234']], body: new Uint8Array(0) })
    )
    const answer = await ask('HEAD / HTTP/1.1\nhost: notes.localhost')
    expect([answer.status, answer.headers.get('content-length'), answer.body]).toEqual([200, ['1234'], ''])
    expect((await ask('GET / HTTP/1.1\nhost: notes.localhost')).status).toBe(502)
  })

  test.each([204, 205, 304])('%i has no body, whatever the app gives', async (status) => {
    const { raw } = await open(answering({ ...fine, status }))
    const answer = await raw(`GET / HTTP/1.1\r\n${host}connection: close\r\n\r\n`, 3000)
    expect(parseAnswer(answer).status).toBe(status)
    expect(answer.endsWith('\r\n\r\n')).toBe(true)
  })
})

describe('assets', () => {
  test.each([
    'text/html',
    'application/atom+xml',
    'application/rss+xml; charset=utf-8',
    'application/mathml+xml',
    'text/xsl',
    'multipart/x-mixed-replace',
    'application/x-anything'
  ])('of type %s, which a browser may run, carry the policy', async (mediaType) => {
    const { ask } = await open(app({ asset: () => textAsset('<a/>', { mediaType }) }))
    const { headers } = await ask('GET / HTTP/1.1\nhost: notes.localhost')
    expect(headers.get('content-security-policy')).toHaveLength(1)
  })

  test.each(['image/png', 'text/css; charset=utf-8', 'font/woff2', 'application/json'])(
    'of type %s need none',
    async (mediaType) => {
      const { ask } = await open(app({ asset: () => textAsset('a', { mediaType }) }))
      const { headers } = await ask('GET / HTTP/1.1\nhost: notes.localhost')
      expect(headers.get('content-security-policy')).toBe(undefined)
      expect(headers.get('x-content-type-options')).toEqual(['nosniff'])
    }
  )

  test.each([
    ['a range', 'range: bytes=1-2', 206, 'el'],
    ['a range of units in capitals', 'range: Bytes=1-2', 206, 'el'],
    ['a range and the current tag', 'range: bytes=1-2\nif-range: "tag-1"', 206, 'el'],
    [
      'a range and the time of change',
      'range: bytes=1-2\nif-range: Tue, 15 Nov 2026 12:45:26 GMT',
      206,
      'el'
    ],
    ['a range and another tag', 'range: bytes=1-2\nif-range: "tag-2"', 200, 'hello'],
    ['a range and a weak tag', 'range: bytes=1-2\nif-range: W/"tag-1"', 200, 'hello'],
    [
      'a range and a time that is no HTTP date',
      'range: bytes=1-2\nif-range: 2026-11-15T12:45:26Z',
      200,
      'hello'
    ],
    ['several ranges', 'range: bytes=0-0,2-2', 200, 'hello'],
    ['a range that ends before it begins', 'range: bytes=3-1', 200, 'hello'],
    ['a range behind the end', 'range: bytes=5-', 416, ''],
    ['a range of other units', 'range: letters=1-2', 200, 'hello'],
    ['two tags, of which one is current', 'if-none-match: "x", W/"tag-1"', 304, ''],
    ['a time that is no HTTP date', 'if-modified-since: 2030', 200, 'hello'],
    [
      'a tag that counts before a time',
      'if-none-match: "x"\nif-modified-since: Sun, 15 Nov 2037 12:45:26 GMT',
      200,
      'hello'
    ],
    ['a condition that fails before a range', 'if-match: "x"\nrange: bytes=1-2', 412, '']
  ])('%s', async (_, header, status, body) => {
    const modifiedMs = Date.parse('Tue, 15 Nov 2026 12:45:26 GMT')
    const { ask } = await open(app({ asset: () => textAsset('hello', { modifiedMs }) }))
    const answer = await ask(`GET /a HTTP/1.1\nhost: notes.localhost\n${header}`)
    expect([answer.status, answer.body]).toEqual([status, body])
    const head = await ask(`HEAD /a HTTP/1.1\nhost: notes.localhost\n${header}`)
    expect(head.body).toBe('')
  })
})

describe('the paths of the gateway itself', () => {
  test.each(['/healthz', '/metrics'])('%s on the origin of an app is the path of the app', async (path) => {
    const { served, seen } = witness()
    const { ask } = await open(served, { hosts: { publicName: 'home.example' } })
    for (const name of ['notes.localhost', 'notes.home.example']) {
      const { body } = await ask(`GET ${path} HTTP/1.1\nhost: ${name}`)
      expect(JSON.parse(body)).toMatchObject({ path })
    }
    expect(seen).toEqual([`GET ${path} `, `GET ${path} `])
  })

  test('metrics are shown under the names of this machine only: a proxy on it speaks for strangers', async () => {
    const { ask } = await open(app(), { hosts: { publicName: 'home.example' } })
    expect((await ask('GET /metrics HTTP/1.1\nhost: localhost')).status).toBe(200)
    expect((await ask('GET /metrics HTTP/1.1\nhost: home.example')).status).toBe(403)
    expect((await ask('GET /healthz HTTP/1.1\nhost: home.example')).status).toBe(200)
  })
})
