/**
 * HTTP requests of apps: one connection to the address that was judged, with the name in `Host` and in the TLS
 * handshake. Nothing is resolved, followed or reused here.
 */
import { lookup } from 'node:dns/promises'
import {
  request as requestPlain,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions
} from 'node:http'
import { request as requestSecure } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Host } from '@blocktree/app-package'
import { HostFailure, type HttpPort } from '@blocktree/apps'

const answerHeaderBytesMax = 64 * 1024 // of all headers of an answer

export function createHttpPort(): HttpPort {
  return {
    async resolve(host) {
      const found = await lookup(host, { all: true, order: 'verbatim' })
      return found.map(({ address }) => address)
    },
    async request({ method, url, address, headers, content, signal }) {
      const isSecure = url.protocol === 'https:'
      const family = address.includes(':') ? 6 : 4
      const options: RequestOptions & { servername?: string } = {
        method,
        host: address,
        family,
        port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
        path: `${url.pathname}${url.search}`,
        headers: requestHeaders(url, headers, content),
        lookup: refuseLookup,
        agent: false,
        signal,
        maxHeaderSize: answerHeaderBytesMax,
        ...(isSecure ? { servername: serverName(url.hostname) } : {})
      }
      const outgoing = isSecure ? requestSecure(options) : requestPlain(options)
      const answer = await answered(outgoing, content, url)
      return { status: answer.statusCode ?? 502, headers: answerHeaders(answer), body: bodyOf(answer) }
    }
  }
}

/** The address is one already; a name here is a mistake of ours, not a reason to ask the network. */
const refuseLookup: LookupFunction = (hostname, _options, callback) => {
  callback(new Error(`"${hostname}" is to be connected to without a look-up`), '', 4)
}

/** An address has no name to show in the handshake. */
function serverName(hostname: string): string {
  return /^[\d.]+$/.test(hostname) || hostname.startsWith('[') ? '' : hostname
}

function requestHeaders(
  url: URL,
  headers: readonly Host.Header[],
  content: Uint8Array
): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = { host: url.host }
  for (const { name, value } of headers) {
    const before = all[name]
    all[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  if (content.byteLength > 0) all['content-length'] = String(content.byteLength)
  return all
}

function answered(outgoing: ClientRequest, content: Uint8Array, url: URL): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    // Stays: a second failure of one connection must find somebody, or it ends the node.
    outgoing.on('error', (cause) => {
      reject(new HostFailure('unreachable', `${url.origin} cannot be reached: ${reasonOf(cause)}`, { cause }))
    })
    // Without effect after an answer. A switch to another protocol ends with neither an answer nor an error.
    outgoing.once('close', () => reject(new HostFailure('unreachable', `${url.origin} gave no answer`)))
    outgoing.end(content)
  })
}

function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

function answerHeaders({ rawHeaders }: IncomingMessage): Host.Header[] {
  const headers: Host.Header[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.push({ name: (rawHeaders[index] ?? '').toLowerCase(), value: rawHeaders[index + 1] ?? '' })
  }
  return headers
}

async function* bodyOf(answer: IncomingMessage): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const part of answer) if (part instanceof Uint8Array) yield part
  } catch (cause) {
    throw new HostFailure('closed', 'the other side ended its answer early', { cause })
  }
}
