/** Addresses of CoAP: `coap://host:port`, `coap+tcp://host:port`, `coap+unix:///path/to/socket` (RFC 7252 section 6, RFC 8323 section 8). */
import { CoapError } from './coap-error.ts'
import { createTextOption, type Option, optionNumber, pathOptions } from './option.ts'

const portDefault = 5683

export type CoapAddress =
  | { readonly transport: 'udp' | 'tcp'; readonly host: string; readonly port: number; readonly path: string }
  | { readonly transport: 'unix'; readonly socket: string; readonly path: string }

/**
 * The path of the resource follows the authority; that of a Unix socket ends with its file, so a resource path is then
 * `/`. Queries are not part of an address. ERR_COAP_URL.
 */
export function parseCoapUrl(text: string): CoapAddress {
  if (text.startsWith('coap+unix:')) return parseUnix(text)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const transport = url?.protocol === 'coap:' ? 'udp' : 'tcp'
  if (url === undefined || !/^coap(\+tcp)?:$/.test(url.protocol) || url.hostname === '')
    throw new CoapError('ERR_COAP_URL', `"${text}": not coap://, coap+tcp:// or coap+unix://`)
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw new CoapError('ERR_COAP_URL', `"${text}": user names and fragments have no meaning here`)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? portDefault : Number(url.port)
  return { transport, host, port, path: url.pathname === '' ? '/' : url.pathname }
}

function parseUnix(text: string): CoapAddress {
  const rest = text.slice('coap+unix:'.length).replace(/[?#].*$/, '')
  const socket = decodePath(rest.replace(/^\/\//, ''))
  if (socket === undefined || !socket.startsWith('/') || socket === '/')
    throw new CoapError('ERR_COAP_URL', `"${text}": coap+unix:// needs the absolute path of a socket`)
  return { transport: 'unix', socket, path: '/' }
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

export function formatCoapUrl(address: CoapAddress): string {
  if (address.transport === 'unix') return `coap+unix://${encodeURI(address.socket)}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${address.transport === 'udp' ? 'coap' : 'coap+tcp'}://${host}:${address.port}`
}

/** Options that name a resource: `/a/b` and queries, each one Uri-Query. */
export function resourceOptions(path: string, queries: readonly string[] = []): Option[] {
  const decoded = path.split('/').map((segment) => decodePath(segment) ?? segment)
  return [
    ...pathOptions(decoded.join('/')),
    ...queries.map((query) => createTextOption(optionNumber.uriQuery, query))
  ]
}
