/** Vectors of doc/spec/21-gateway.md: bytes of requests, and what becomes of each. */
import { connect } from 'node:net'
import { type ServedApp, createGateway } from '@blocktree/gateway'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

const host = 'host: notes.localhost\r\n'
const end = 'connection: close\r\n\r\n'

const framing: readonly (readonly [comment: string, request: string])[] = [
  ['a plain request', `GET /a?b=c HTTP/1.1\r\n${host}${end}`],
  ['a body of a length', `POST /a HTTP/1.1\r\n${host}content-length: 5\r\n${end}hello`],
  [
    'a body in chunks, with an extension and a trailer',
    `POST /a HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n${end}2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nx: y\r\n\r\n`
  ],
  ['names in any case', `GET /a HTTP/1.1\r\nHOST: notes.localhost\r\nX-Name: Value\r\n${end}`],
  [
    'a length and chunks',
    `POST / HTTP/1.1\r\n${host}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`
  ],
  ['two lengths', `POST / HTTP/1.1\r\n${host}content-length: 0\r\ncontent-length: 5\r\n\r\nhello`],
  ['two equal lengths', `POST / HTTP/1.1\r\n${host}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`],
  ['a list of lengths', `POST / HTTP/1.1\r\n${host}content-length: 5, 5\r\n\r\nhello`],
  ['a signed length', `POST / HTTP/1.1\r\n${host}content-length: +5\r\n\r\nhello`],
  ['a space before the colon', `POST / HTTP/1.1\r\n${host}content-length : 5\r\n\r\nhello`],
  ['a folded header', `GET / HTTP/1.1\r\n${host}a: b\r\n c\r\n\r\n`],
  ['an encoding other than chunked', `POST / HTTP/1.1\r\n${host}transfer-encoding: gzip\r\n\r\n`],
  ['chunked that is not last', `POST / HTTP/1.1\r\n${host}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
  ['a line that ends in LF alone', `GET / HTTP/1.1\r\n${host}a: b\nc: d\r\n\r\n`],
  ['a CR inside a value', `GET / HTTP/1.1\r\n${host}a: b\rc\r\n\r\n`],
  ['a NUL inside a value', `GET / HTTP/1.1\r\n${host}a: b\0c\r\n\r\n`],
  ['more headers than an app is told of', `GET / HTTP/1.1\r\n${host}${'a:\r\n'.repeat(128)}${end}`]
]

const targets: readonly string[] = [
  ...['/', '/a/b.txt', '/a%20b', '/%C3%A4', '/a?', '/a?b=%zz', '/a?b[]=c', '/a+b;c=d', '/%252e%252e/a'],
  ...['http://notes.localhost/', '//a', '/a//b', '/./a', '/a/..', '/%2e%2e/a', '/a%2fb', '/a%5cb', '/%00'],
  ...['/%0a', '/%ff', '/%2', '/a\\b', '/a"b', '/a#b', '*', 'a', `/${'a'.repeat(8192)}`]
]

const hosts: readonly string[] = [
  ...[
    'notes.localhost',
    'NOTES.localhost:4780',
    'notes.home.example',
    'files.localhost',
    'localhost',
    '[::1]:80'
  ],
  ...['home.example', 'notes.localhost.', 'a.notes.localhost', '.localhost', 'notes.localhost:99999'],
  ...['user@notes.localhost', 'notes.localhost, notes.localhost', 'notes.example.org', '127.0.0.2', '']
]

const origins: readonly (readonly [comment: string, headers: string])[] = [
  ['a program', ''],
  ['its own page', 'origin: http://notes.localhost\r\n'],
  ['its own page, by fetch metadata', 'sec-fetch-site: same-origin\r\n'],
  ['a page of another app', 'origin: http://files.localhost\r\n'],
  ['its own page on another port', 'origin: http://notes.localhost:81\r\n'],
  ['its own page by https', 'origin: https://notes.localhost\r\n'],
  ['a page without an origin', 'origin: null\r\n'],
  ['a sibling, by fetch metadata', 'sec-fetch-site: same-site\r\n']
]

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

export async function generateVectors(): Promise<VectorPage> {
  const asked: Asked[] = []
  await using subject = await openSubject(asked)
  const judge = async (comment: string, request: string): Promise<VectorCase> => {
    asked.length = 0
    const status = await subject.ask(request)
    const verdict = asked[0] === undefined ? { status } : { status, app: { ...asked[0] } }
    return { comment, request: hex(Buffer.from(request, 'latin1')), ...verdict }
  }
  const judgeAll = async (cases: readonly (readonly [string, string])[]): Promise<VectorCase[]> => {
    const judged: VectorCase[] = []
    for (const [comment, request] of cases) judged.push(await judge(comment, request))
    return judged
  }
  return {
    name: 'gateway',
    specification: 'doc/spec/21-gateway.md',
    comment:
      'Requests to a gateway over http with the public name home.example and one app, notes, that answers 200 to everything. status: of the first answer. app: what the app was asked, the body as text; absent when it was not asked. The connection ends after each request.',
    groups: {
      framing: await judgeAll(framing),
      targets: await judgeAll(
        targets.map((one) => [one.slice(0, 40), `GET ${one} HTTP/1.1\r\n${host}${end}`])
      ),
      hosts: await judgeAll([
        ...hosts.map((one) => [one, `GET / HTTP/1.1\r\nhost: ${one}\r\n${end}`] as const),
        ['none', `GET / HTTP/1.0\r\n\r\n`],
        ['two', `GET / HTTP/1.1\r\n${host}${host}${end}`]
      ]),
      origins: await judgeAll(
        origins.map(([comment, headers]) => [
          comment,
          `POST / HTTP/1.1\r\n${host}${headers}content-length: 0\r\n${end}`
        ])
      )
    }
  }
}

interface Subject extends AsyncDisposable {
  /** Status of the first answer. */
  ask(request: string): Promise<number>
}

async function openSubject(asked: Asked[]): Promise<Subject> {
  const notes: ServedApp = {
    name: 'notes',
    asset: () => undefined,
    async handle({ method, path, query, headers, body }) {
      const parts = body instanceof Uint8Array ? [body] : await Array.fromAsync(body)
      asked.push({ method, path, query, headers, body: Buffer.concat(parts).toString() })
      return { status: 200, headers: [], body: new Uint8Array(0) }
    }
  }
  const gateway = await createGateway({
    apps: { find: (name) => (name === 'notes' ? notes : undefined) },
    clock: { now: () => 0 },
    log: () => undefined,
    hosts: { publicName: 'home.example' }
  })
  const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
  return {
    ask: (request) => statusOf(port, request),
    [Symbol.asyncDispose]: () => gateway.close(0)
  }
}

async function statusOf(port: number, request: string): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.setEncoding('latin1').on('data', (part: string) => (answer += part))
  socket.on('error', () => undefined)
  socket.write(request, 'latin1')
  await new Promise((resolve) => socket.once('close', resolve))
  return Number(answer.split(' ')[1])
}
