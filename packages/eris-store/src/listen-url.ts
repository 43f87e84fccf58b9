/** Text that names an address to listen on and what may be done there (doc/spec/26-coap-and-block-stores.md, section 7). */
import { ErisError } from '@blocktree/eris'
import { splitUrl } from './store-url.ts'

export interface ListenUrl {
  readonly kind: 'coap' | 'http'
  /** Without the words behind the question mark. */
  readonly url: string
  readonly isGet: boolean
  readonly isPut: boolean
  /** Whether contents are decoded here. */
  readonly isPrivate: boolean
  /** Whether those who connect are asked for what is not here. */
  readonly isAsking: boolean
  /** Of a Unix socket. */
  readonly socketMode: number
}

const schemes: ReadonlyMap<string, ListenUrl['kind']> = new Map([
  ['coap', 'coap'],
  ['coap+tcp', 'coap'],
  ['coap+unix', 'coap'],
  ['http', 'http'],
  ['http+unix', 'http']
])

const words: ReadonlySet<string> = new Set(['get', 'put', 'decode', 'ask'])

/** `SCHEME://ADDRESS[?get&put&decode&mode=660]`. ERR_ERIS_ARGUMENT. */
export function parseListenUrl(text: string): ListenUrl {
  const parsed = splitUrl(text)
  const kind = schemes.get(parsed.scheme)
  if (kind === undefined) throw wrong(text, `known schemes are ${[...schemes.keys()].join(', ')}`)
  const isUnix = parsed.scheme.endsWith('+unix')
  let socketMode = 0o600
  for (const word of parsed.words) {
    const mode = /^mode=0?([0-7]{3})$/.exec(word)?.[1]
    if (mode !== undefined && isUnix) socketMode = Number.parseInt(mode, 8)
    else if (!words.has(word))
      throw wrong(text, `"${word}" is not get, put, decode, ask or, for a Unix socket, mode=660`)
  }
  if (parsed.words.has('decode') && kind !== 'http') throw wrong(text, 'contents are decoded over HTTP only')
  if (parsed.words.has('ask') && !parsed.scheme.startsWith('coap+'))
    throw wrong(text, 'only those who connect by coap+tcp or coap+unix can be asked')
  if (kind === 'http' && !isUnix && !URL.canParse(`${parsed.scheme}:${parsed.rest}`))
    throw wrong(text, 'it is no URL')
  const hasAny = parsed.words.has('get') || parsed.words.has('put')
  return {
    kind,
    url: `${parsed.scheme}:${parsed.rest}`,
    isGet: !hasAny || parsed.words.has('get'),
    isPut: !hasAny || parsed.words.has('put'),
    isPrivate: parsed.words.has('decode') || (isUnix && kind === 'http'),
    isAsking: parsed.words.has('ask'),
    socketMode
  }
}

function wrong(text: string, reason: string): ErisError {
  return new ErisError('ERR_ERIS_ARGUMENT', `"${text}" cannot be listened on: ${reason}`)
}
