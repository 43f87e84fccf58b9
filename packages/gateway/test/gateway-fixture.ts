/** A gateway on a free port of the loopback, with one app per test, and a client that sends exactly what it is told. */
import { connect } from 'node:net'
import type {
  AccessLine,
  AppDirectory,
  AppRequest,
  AppResponse,
  Asset,
  Gateway,
  GatewayOptions,
  ServedApp
} from '../src/index.ts'
import { createGateway } from '../src/index.ts'

export interface Fixture {
  readonly gateway: Gateway
  readonly port: number
  readonly lines: AccessLine[]
  /** Sends raw bytes and gives all that comes back until the other side closes (or `untilMs` passed). */
  readonly raw: (text: string, untilMs?: number) => Promise<string>
  /** One request of a closing connection. */
  readonly ask: (head: string, body?: string) => Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

export function textAsset(text: string, more: Partial<Asset> = {}): Asset {
  const bytes = new TextEncoder().encode(text)
  return {
    size: bytes.byteLength,
    mediaType: 'text/plain; charset=utf-8',
    entityTag: '"tag-1"',
    read: (start, end) => bytes.subarray(start, end),
    ...more
  }
}

export function app(more: Partial<ServedApp> = {}): ServedApp {
  return {
    name: 'notes',
    asset: () => undefined,
    handle: (request) => Promise.resolve(echo(request)),
    ...more
  }
}

export function echo(request: AppRequest): AppResponse {
  const { method, path, query, authority, headers } = request
  const body = new TextEncoder().encode(JSON.stringify({ method, path, query, authority, headers }))
  return { status: 200, headers: [['content-type', 'application/json']], body }
}

export async function openGateway(
  served: ServedApp | AppDirectory,
  options: Partial<GatewayOptions> = {}
): Promise<Fixture> {
  const lines: AccessLine[] = []
  const apps: AppDirectory =
    'find' in served ? served : { find: (name) => (name === served.name ? served : undefined) }
  const gateway = await createGateway({ apps, clock: Date, log: (line) => lines.push(line), ...options })
  const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
  const raw = (text: string, untilMs = 5000): Promise<string> => converse(port, text, untilMs)
  return {
    gateway,
    port,
    lines,
    raw,
    ask: async (head, body = '') => {
      const length = body === '' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`
      const [first, ...rest] = head.split('\n')
      const lines = [first, ...rest].join('\r\n')
      return parseAnswer(await raw(`${lines}\r\nconnection: close\r\n${length}\r\n${body}`))
    }
  }
}

async function converse(port: number, text: string, untilMs: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const parts: Buffer[] = []
  socket.on('data', (part) => parts.push(Buffer.from(part)))
  socket.on('error', () => undefined)
  socket.write(text, 'latin1')
  const timer = setTimeout(() => socket.destroy(), untilMs)
  await new Promise((resolve) => socket.once('close', resolve))
  clearTimeout(timer)
  return Buffer.concat(parts).toString('latin1')
}

export function parseAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...fields] = text.slice(0, end).split('\r\n')
  const headers = new Map<string, string[]>()
  for (const field of fields) {
    const colon = field.indexOf(':')
    const name = field.slice(0, colon).toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), field.slice(colon + 1).trim()])
  }
  return { status: Number(statusLine.split(' ')[1]), headers, body: text.slice(end + 4) }
}
