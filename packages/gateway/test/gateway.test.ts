import { get } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { AppFailure, type Gateway, createGateway } from '../src/index.ts'
import { type Fixture, app, echo, openGateway, parseAnswer, textAsset } from './gateway-fixture.ts'

const opened: Gateway[] = []
async function open(...parameters: Parameters<typeof openGateway>): Promise<Fixture> {
  const fixture = await openGateway(...parameters)
  opened.push(fixture.gateway)
  return fixture
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close(0)))
})

describe('origins', () => {
  test('an app answers under its own name on localhost', async () => {
    const { ask } = await open(app())
    const answer = await ask('GET /a/b?c=d HTTP/1.1\nhost: notes.localhost:8080\naccept: x')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toEqual({
      method: 'GET',
      path: '/a/b',
      query: 'c=d',
      authority: 'notes.localhost:8080',
      headers: [['accept', 'x']]
    })
  })

  test('an app answers under the public name and under a name of its own', async () => {
    const { ask } = await open(app(), {
      hosts: { publicName: 'home.example', names: { 'my-notes.example': 'notes' } }
    })
    expect((await ask('GET / HTTP/1.1\nhost: NOTES.home.example')).status).toBe(200)
    expect((await ask('GET / HTTP/1.1\nhost: my-notes.example')).status).toBe(200)
    expect((await ask('GET / HTTP/1.1\nhost: other.example')).status).toBe(421)
  })

  test.each([
    ['notes.localhost', false],
    ['NOTES.localhost:81', false],
    ['notes.home.example', true],
    ['my-notes.example', true]
  ])(
    'an app is asked first, also for assets, whether it takes what comes under %s',
    async (name, isPublic) => {
      const asked: boolean[] = []
      const told: boolean[] = []
      const taking = app({
        asset: (path) => (path === '/a.txt' ? textAsset('a') : undefined),
        admit: (one) => void asked.push(one),
        handle: (request) => {
          told.push(request.isPublic)
          return Promise.resolve(echo(request))
        }
      })
      const hosts = { publicName: 'home.example', names: { 'my-notes.example': 'notes' } }
      const { ask } = await open(taking, { hosts })
      expect((await ask(`GET /a.txt HTTP/1.1\nhost: ${name}`)).status).toBe(200)
      expect((await ask(`GET / HTTP/1.1\nhost: ${name}`)).status).toBe(200)
      expect([asked, told]).toEqual([[isPublic, isPublic], [isPublic]])
      const failure = { status: 503, code: 'ERR_APP_DENIED', message: 'not granted' } as const
      const admit = (): never => {
        throw new AppFailure(failure)
      }
      const refusing = await open({ ...taking, admit }, { hosts })
      expect((await refusing.ask(`GET /a.txt HTTP/1.1\nhost: ${name}`)).body).toBe('503 ERR_APP_DENIED\n')
      expect(told).toHaveLength(1)
      expect(refusing.lines.at(-1)).toMatchObject({ status: 503, failure: { message: 'not granted' } })
    }
  )

  test.each([
    ['a name that is pointed here', 'rebound.attacker.example'],
    ['an app below another name', 'notes.localhost.attacker.example'],
    ['two labels', 'a.notes.localhost'],
    ['a user part', 'user@notes.localhost'],
    ['a trailing dot', 'notes.localhost.'],
    ['a port that is none', 'notes.localhost:99999'],
    ['an address of this network', '192.168.1.1']
  ])('refuses a Host header with %s', async (_name, host) => {
    const { ask } = await open(app())
    expect((await ask(`GET / HTTP/1.1\nhost: ${host}`)).status).toBe(421)
  })

  test('refuses two Host headers, and none', async () => {
    const { raw, ask } = await open(app())
    const two = await ask('GET / HTTP/1.1\nhost: notes.localhost\nhost: files.localhost')
    expect([400, 421]).toContain(two.status)
    expect(parseAnswer(await raw('GET / HTTP/1.1\r\nconnection: close\r\n\r\n')).status).toBe(400)
  })

  test('an unknown app is 404 and is told apart from an unknown host', async () => {
    const { ask, lines } = await open(app())
    expect((await ask('GET / HTTP/1.1\nhost: absent.localhost')).status).toBe(404)
    expect(lines[0]?.failure?.code).toBe('ERR_APP_UNKNOWN')
  })

  test('refuses a host rule that is no host name', async () => {
    const options = { apps: app2(), clock: Date, log: () => undefined }
    await expect(createGateway({ ...options, hosts: { publicName: 'no host' } })).rejects.toMatchObject({
      code: 'ERR_GATEWAY_HOST_RULE'
    })
    await expect(
      createGateway({ ...options, hosts: { names: { 'a.example': 'Not-An-App' } } })
    ).rejects.toMatchObject({ code: 'ERR_GATEWAY_HOST_RULE' })
  })
})

function app2(): { find(): undefined } {
  return { find: () => undefined }
}

describe('request targets', () => {
  test.each([
    ['dot segments', '/a/../b'],
    ['encoded dot segments', '/a/%2e%2e/b'],
    ['an encoded slash', '/a%2fb'],
    ['an encoded backslash', '/a%5cb'],
    ['a NUL', '/a%00'],
    ['an encoded line break', '/a%0d%0ab'],
    ['bytes that are no UTF-8', '/%ff'],
    ['half an escape', '/%4'],
    ['an empty segment', '/a//b'],
    ['a whole address', 'http://notes.localhost/']
  ])('refuses %s', async (_name, target) => {
    const { ask } = await open(app())
    expect((await ask(`GET ${target} HTTP/1.1\nhost: notes.localhost`)).status).toBe(400)
  })

  test('passes an escaped name on as it was sent and looks assets up decoded', async () => {
    const asked: string[] = []
    const { ask } = await open(
      app({
        asset: (path) => {
          asked.push(path)
          return undefined
        }
      })
    )
    const answer = await ask('GET /na%C3%AFve%20name HTTP/1.1\nhost: notes.localhost')
    expect(JSON.parse(answer.body)).toMatchObject({ path: '/na%C3%AFve%20name' })
    expect(asked).toEqual(['/naïve name'])
  })
})

describe('requests', () => {
  test('keeps what belongs to the connection, and claims of proxies, from the app', async () => {
    const { ask } = await open(app())
    const answer = await ask(
      'GET / HTTP/1.1\nhost: notes.localhost\nx-forwarded-for: 1.2.3.4\nx-request-id: mine\ncookie: a=b\ncookie: c=d'
    )
    expect(JSON.parse(answer.body)).toMatchObject({
      headers: [
        ['cookie', 'a=b'],
        ['cookie', 'c=d']
      ]
    })
  })

  test('gives a small body whole and a large one as a stream', async () => {
    const seen: string[] = []
    const { ask } = await open(
      app({
        handle: async (request) => {
          let bytes = 0
          if (request.body instanceof Uint8Array) bytes = request.body.byteLength
          else for await (const part of request.body) bytes += part.byteLength
          seen.push(`${request.body instanceof Uint8Array ? 'whole' : 'stream'} ${bytes}`)
          return echo(request)
        }
      })
    )
    await ask('POST / HTTP/1.1\nhost: notes.localhost', 'x'.repeat(1000))
    await ask('POST / HTTP/1.1\nhost: notes.localhost', 'x'.repeat(200_000))
    await ask('POST / HTTP/1.1\nhost: notes.localhost')
    expect(seen).toEqual(['whole 1000', 'stream 200000', 'whole 0'])
  })

  test('refuses a declared body above the bound of the app before it is read', async () => {
    const { raw } = await open(app({ bodyBytesMax: 10 }))
    const text = await raw('POST / HTTP/1.1\r\nhost: notes.localhost\r\ncontent-length: 11\r\n\r\n', 2000)
    expect(parseAnswer(text).status).toBe(413)
  })

  test('refuses a chunked body that grows above the bound', async () => {
    const { raw } = await open(
      app({
        bodyBytesMax: 10,
        handle: async (request) => {
          if (!(request.body instanceof Uint8Array)) for await (const part of request.body) void part
          return echo(request)
        }
      })
    )
    const text = await raw(
      'POST / HTTP/1.1\r\nhost: notes.localhost\r\ntransfer-encoding: chunked\r\n\r\n14\r\n01234567890123456789\r\n0\r\n\r\n',
      2000
    )
    expect(parseAnswer(text).status).toBe(413)
  })

  test('refuses smuggling with a length and chunks at once', async () => {
    const { raw } = await open(app())
    const text = await raw(
      'POST / HTTP/1.1\r\nhost: notes.localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'
    )
    expect(parseAnswer(text).status).toBe(400)
  })

  test('refuses headers above the bound', async () => {
    const { ask } = await open(app(), { limits: { headerBytesMax: 2048 } })
    expect((await ask(`GET / HTTP/1.1\nhost: notes.localhost\na: ${'x'.repeat(4096)}`)).status).toBe(431)
  })

  test('lets go of a client that drips its headers', async () => {
    const { raw } = await open(app(), { limits: { headersTimeoutMs: 200 } })
    const started = performance.now()
    const text = await raw('GET / HTTP/1.1\r\nhost: notes.loc', 10_000)
    expect(performance.now() - started).toBeLessThan(8000)
    expect(text).toContain('408')
  })

  test('keeps a connection for the next request', async () => {
    const { raw, lines } = await open(app())
    const one = 'GET /1 HTTP/1.1\r\nhost: notes.localhost\r\n\r\n'
    const text = await raw(`${one}GET /2 HTTP/1.1\r\nhost: notes.localhost\r\nconnection: close\r\n\r\n`)
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
    expect(lines.map((line) => line.path)).toEqual(['/1', '/2'])
  })

  test('refuses an upgrade and an expectation', async () => {
    const { raw, ask } = await open(app())
    const upgrade = await raw(
      'GET / HTTP/1.1\r\nhost: notes.localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
    )
    expect(upgrade).toContain('501')
    expect((await ask('GET / HTTP/1.1\nhost: notes.localhost\nexpect: miracles')).status).toBe(417)
  })

  test('answers 503 when too many requests run', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const { ask } = await open(app({ handle: async (request) => (await held, echo(request)) }), {
      limits: { requestsRunningMax: 1 }
    })
    const first = ask('GET / HTTP/1.1\nhost: notes.localhost')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await ask('GET / HTTP/1.1\nhost: notes.localhost')).status).toBe(503)
    release()
    expect((await first).status).toBe(200)
  })
})

describe('pages of other origins', () => {
  test.each([
    ['the page of another app', 'origin: http://files.localhost'],
    ['another port', 'origin: http://notes.localhost:1'],
    ['no origin at all', 'origin: null'],
    ['another site without an origin', 'sec-fetch-site: cross-site']
  ])('refuses a write from %s', async (_name, header) => {
    const { ask } = await open(app())
    expect((await ask(`POST / HTTP/1.1\nhost: notes.localhost\n${header}`, 'x')).status).toBe(403)
  })

  test('takes a write of its own page, of a program, and of anyone where the app allows it', async () => {
    const own = await open(app())
    const head = 'POST / HTTP/1.1\nhost: notes.localhost'
    expect((await own.ask(`${head}\norigin: http://notes.localhost`, 'x')).status).toBe(200)
    expect((await own.ask(head, 'x')).status).toBe(200)
    const shared = await open(app({ allowsOtherOrigins: true }))
    expect((await shared.ask(`${head}\norigin: http://else.example`, 'x')).status).toBe(200)
  })

  test('reads are not affected', async () => {
    const { ask } = await open(app())
    expect((await ask('GET / HTTP/1.1\nhost: notes.localhost\norigin: http://x.example')).status).toBe(200)
  })
})

describe('answers', () => {
  test('carry the security headers, a length and the id that is in the log', async () => {
    const { ask, lines } = await open(app())
    const { headers, body } = await ask('GET / HTTP/1.1\nhost: notes.localhost')
    expect(headers.get('content-length')).toEqual([String(body.length)])
    expect(headers.get('content-security-policy')?.[0]).toContain("default-src 'self'")
    expect(headers.get('x-content-type-options')).toEqual(['nosniff'])
    expect(headers.get('x-request-id')).toEqual([lines[0]?.id])
    expect(lines[0]).toMatchObject({ status: 200, app: 'notes', bytes: body.length, remote: '127.0.0.1' })
  })

  test('an app tightens the policy and cannot replace it', async () => {
    const { ask } = await open(answering([['content-security-policy', "script-src 'none'"]]))
    const policies = (await ask('GET / HTTP/1.1\nhost: notes.localhost')).headers.get(
      'content-security-policy'
    )
    expect(policies).toHaveLength(2)
    expect(policies?.[0]).toContain("default-src 'self'")
  })

  test.each<[string, [string, string]]>([
    ['a line break in a value', ['x-a', 'b\r\nset-cookie: c=d']],
    ['a line break in a name', ['x-a\r\nb', 'c']],
    ['a NUL', ['x-a', '\u0000']],
    ['a header of the connection', ['transfer-encoding', 'chunked']],
    ['a wrong length', ['content-length', '1']],
    ['a header that the gateway sets', ['x-request-id', 'mine']],
    ['a weaker embedder policy', ['cross-origin-resource-policy', 'cross-origin']]
  ])('refuses %s and says in the log which app did it', async (_name, header) => {
    const { ask, lines } = await open(answering([header]))
    const answer = await ask('GET / HTTP/1.1\nhost: notes.localhost')
    expect(answer.status).toBe(502)
    expect(answer.headers.has('set-cookie')).toBe(false)
    expect(lines[0]).toMatchObject({ app: 'notes', failure: { code: 'ERR_GATEWAY_RESPONSE' } })
  })

  test.each([99, 199, 600, 200.5])('refuses the status %d', async (status) => {
    const { ask } = await open(
      app({ handle: () => Promise.resolve({ status, headers: [], body: new Uint8Array(0) }) })
    )
    expect((await ask('GET / HTTP/1.1\nhost: notes.localhost')).status).toBe(502)
  })

  test('binds cookies to the host of the app', async () => {
    const { ask } = await open(answering([['set-cookie', 'a=b; Domain=localhost; Path=/; HttpOnly']]))
    const { headers } = await ask('GET / HTTP/1.1\nhost: notes.localhost')
    expect(headers.get('set-cookie')).toEqual(['a=b; Path=/; HttpOnly'])
  })

  test('streams are sent as they come, and are ended when the client goes away', async () => {
    let isEnded = false
    let isAborted = false
    const { raw } = await open(
      app({
        handle: ({ whenGone }) => {
          whenGone(() => (isAborted = true))
          async function* parts(): AsyncGenerator<Uint8Array> {
            try {
              for (;;) {
                yield new TextEncoder().encode('tick\n')
                await new Promise((resolve) => setTimeout(resolve, 10))
              }
            } finally {
              isEnded = true
            }
          }
          return Promise.resolve({ status: 200, headers: [], body: parts() })
        }
      })
    )
    expect(await raw('GET / HTTP/1.1\r\nhost: notes.localhost\r\n\r\n', 200)).toContain('tick')
    await expect.poll(() => isEnded && isAborted).toBe(true)
  })

  test('bodies of any bytes and sizes arrive as they are', async () => {
    for (const size of [0, 1, 256, 4096, 4097, 16_384, 16_385]) {
      const bytes = Uint8Array.from({ length: size }, (_, index) => index * 7)
      const asset = { size, mediaType: 'font/woff', entityTag: '"t"', read: () => bytes }
      const { port } = await open(
        app({
          asset: (path) => (path === '/asset' ? asset : undefined),
          handle: () => Promise.resolve({ status: 200, headers: [], body: bytes })
        })
      )
      for (const path of ['/asset', '/asset', '/handler']) {
        expect(await bodyOf(port, path)).toEqual(Buffer.from(bytes))
      }
    }
  })

  test('a handler is told when the client goes away before its answer, and not when it leaves with it', async () => {
    const told: string[] = []
    const { ask, raw } = await open(
      app({
        handle: ({ path, whenGone }) => {
          whenGone(() => told.push(path))
          return path === '/slow'
            ? new Promise(() => undefined)
            : Promise.resolve({ status: 200, headers: [], body: new Uint8Array(1) })
        }
      })
    )
    expect((await ask('GET /quick HTTP/1.1\nhost: notes.localhost')).status).toBe(200)
    expect(await raw('GET /slow HTTP/1.1\r\nhost: notes.localhost\r\n\r\n', 100)).toBe('')
    await expect.poll(() => told).toEqual(['/slow'])
  })

  test('a stream of known size has a length, for HEAD too', async () => {
    async function* parts(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new TextEncoder().encode('tick'))
    }
    const { ask } = await open(
      app({ handle: () => Promise.resolve({ status: 200, headers: [], body: parts(), bodyBytes: 4 }) })
    )
    const whole = await ask('GET / HTTP/1.1\nhost: notes.localhost')
    expect(whole.headers.get('content-length')).toEqual(['4'])
    expect(whole.headers.get('transfer-encoding')).toBeUndefined()
    expect(whole.body).toBe('tick')
    const head = await ask('HEAD / HTTP/1.1\nhost: notes.localhost')
    expect(head.headers.get('content-length')).toEqual(['4'])
    expect(head.body).toBe('')
  })

  test('a stream that breaks is not passed off as whole', async () => {
    // eslint-disable-next-line require-yield
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('part')
      await Promise.resolve()
      throw new Error('the app stopped')
    }
    const { raw, lines } = await open(
      app({ handle: () => Promise.resolve({ status: 200, headers: [], body: broken() }) })
    )
    const text = await raw('GET / HTTP/1.1\r\nhost: notes.localhost\r\n\r\n')
    expect(text.endsWith('0\r\n\r\n')).toBe(false)
    expect(lines[0]?.failure?.message).toContain('the app stopped')
  })

  test('a failure of the app keeps its words for the log', async () => {
    const failure = {
      status: 503,
      code: 'ERR_APP_SUSPENDED',
      message: 'secret details',
      retryAfterSeconds: 30
    } as const
    const { ask, lines } = await open(app({ handle: () => Promise.reject(new AppFailure(failure)) }))
    const answer = await ask('GET / HTTP/1.1\nhost: notes.localhost')
    expect(answer).toMatchObject({ status: 503, body: '503 ERR_APP_SUSPENDED\n' })
    expect(answer.headers.get('retry-after')).toEqual(['30'])
    expect(lines[0]?.failure?.message).toBe('secret details')
  })

  test('HEAD has the head of GET and no body', async () => {
    const { ask } = await open(app())
    const answer = await ask('HEAD / HTTP/1.1\nhost: notes.localhost')
    expect(answer.body).toBe('')
    expect(Number(answer.headers.get('content-length')?.[0])).toBeGreaterThan(0)
  })
})

function answering(headers: readonly (readonly [string, string])[]): ReturnType<typeof app> {
  return app({
    handle: () => Promise.resolve({ status: 200, headers, body: new TextEncoder().encode('hello') })
  })
}

describe('assets', () => {
  const asset = textAsset('0123456789', { modifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678) })
  const files = app({ asset: (path) => (path === '/a.txt' ? asset : undefined) })
  const get = 'GET /a.txt HTTP/1.1\nhost: notes.localhost'

  test('are served without the app', async () => {
    const { ask } = await open(app({ ...files, handle: () => Promise.reject(new Error('asked')) }))
    const answer = await ask(get)
    expect(answer).toMatchObject({ status: 200, body: '0123456789' })
    expect(answer.headers.get('etag')).toEqual(['"tag-1"'])
    expect(answer.headers.get('last-modified')).toEqual(['Fri, 02 Jan 2026 03:04:05 GMT'])
    expect((await ask('HEAD /a.txt HTTP/1.1\nhost: notes.localhost')).headers.get('content-length')).toEqual([
      '10'
    ])
  })

  test.each([
    ['if-none-match: "tag-1"', 304],
    ['if-none-match: W/"tag-1", "x"', 304],
    ['if-none-match: *', 304],
    ['if-none-match: "other"', 200],
    ['if-modified-since: Fri, 02 Jan 2026 03:04:05 GMT', 304],
    ['if-modified-since: Fri, 02 Jan 2026 03:04:04 GMT', 200],
    ['if-modified-since: nonsense', 200],
    ['if-none-match: "other"\nif-modified-since: Fri, 02 Jan 2026 03:04:05 GMT', 200],
    ['if-match: "tag-1"', 200],
    ['if-match: W/"tag-1"', 412],
    ['if-match: "other"', 412],
    ['if-unmodified-since: Fri, 02 Jan 2026 03:04:04 GMT', 412],
    ['if-unmodified-since: Fri, 02 Jan 2026 03:04:05 GMT', 200]
  ])('%s is answered %d', async (header, status) => {
    const { ask } = await open(files)
    expect((await ask(`${get}\n${header}`)).status).toBe(status)
  })

  test.each([
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=4-2', 200, '0123456789', undefined],
    ['bytes=0-1,3-4', 200, '0123456789', undefined],
    ['items=0-1', 200, '0123456789', undefined],
    ['bytes=-', 200, '0123456789', undefined]
  ])('the range %s is answered %d', async (range, status, body, contentRange) => {
    const { ask } = await open(files)
    const answer = await ask(`${get}\nrange: ${range}`)
    expect(answer).toMatchObject({ status, body })
    expect(answer.headers.get('content-range')?.[0]).toBe(contentRange)
  })

  test.each([
    ['"tag-1"', 206],
    ['"other"', 200],
    ['W/"tag-1"', 200],
    ['Fri, 02 Jan 2026 03:04:05 GMT', 206],
    ['Fri, 02 Jan 2026 03:04:06 GMT', 200]
  ])('a range with if-range %s is answered %d', async (condition, status) => {
    const { ask } = await open(files)
    expect((await ask(`${get}\nrange: bytes=0-1\nif-range: ${condition}`)).status).toBe(status)
  })

  test.each([
    ['text/html; charset=utf-8', true],
    ['image/svg+xml', true],
    ['text/javascript', true],
    ['application/pdf', true],
    ['image/png', false],
    ['text/css', false]
  ])('of type %s: a policy is sent is %s', async (mediaType, isSent) => {
    const { ask } = await open(app({ asset: () => textAsset('x', { mediaType }) }))
    const { headers } = await ask(get)
    expect(headers.has('content-security-policy')).toBe(isSent)
    expect(headers.get('x-content-type-options')).toEqual(['nosniff'])
  })

  test('are not written to', async () => {
    const { ask } = await open(files)
    const answer = await ask('PUT /a.txt HTTP/1.1\nhost: notes.localhost', 'x')
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toEqual(['GET, HEAD'])
  })
})

describe('the gateway itself', () => {
  test('says whether the node is well', async () => {
    const ailments: string[] = []
    const { ask } = await open(app(), { ailments: () => ailments })
    expect(await ask('GET /healthz HTTP/1.1\nhost: localhost')).toMatchObject({ status: 200, body: 'ok\n' })
    ailments.push('the disk is full')
    const unwell = await ask('GET /healthz HTTP/1.1\nhost: 127.0.0.1')
    expect(unwell.status).toBe(503)
    expect(unwell.body).not.toContain('disk')
  })

  test('counts requests for Prometheus, with only labels that it knows', async () => {
    const { ask } = await open(app(), {
      metrics: () => [
        {
          name: 'blocktree_example',
          help: 'An "example".',
          type: 'gauge',
          samples: [{ labels: { a: 'b"c' }, value: 1 }]
        }
      ]
    })
    await ask('GET / HTTP/1.1\nhost: notes.localhost')
    await ask('GET / HTTP/1.1\nhost: stranger.localhost')
    const { body } = await ask('GET /metrics HTTP/1.1\nhost: localhost')
    expect(body).toContain('blocktree_http_requests_total{app="notes",status="2xx"} 1')
    expect(body).toContain('blocktree_http_request_duration_seconds_count{app="notes"} 1')
    expect(body).toContain('blocktree_example{a="b\\"c"} 1')
    expect(body).not.toContain('stranger')
  })

  test('other paths and methods are refused', async () => {
    const { ask } = await open(app())
    expect((await ask('GET / HTTP/1.1\nhost: localhost')).status).toBe(404)
    expect((await ask('POST /healthz HTTP/1.1\nhost: localhost')).status).toBe(405)
  })

  test('closing lets a running answer finish and refuses new connections', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const { ask, gateway, raw } = await open(app({ handle: async (request) => (await held, echo(request)) }))
    const running = ask('GET / HTTP/1.1\nhost: notes.localhost')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closing = gateway.close(5000)
    release()
    expect((await running).status).toBe(200)
    await closing
    expect(await raw('GET / HTTP/1.1\r\nhost: notes.localhost\r\n\r\n')).toBe('')
  })

  test('a port that is taken is an error that says so', async () => {
    const { port } = await open(app())
    const second = await createGateway({ apps: app2(), clock: Date, log: () => undefined })
    await expect(second.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'ERR_GATEWAY_LISTEN',
      message: expect.stringContaining(`127.0.0.1:${port} (EADDRINUSE)`)
    })
  })
})

/** Fetched by another client than `raw`, which reads text. */
function bodyOf(port: number, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'notes.localhost' }
    get({ host: '127.0.0.1', port, path, headers, agent: false }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => resolve(Buffer.concat(parts)))
    }).on('error', reject)
  })
}
