/** Text that names a store and what it may be used for (doc/spec/26-coap-and-block-stores.md, section 6). */
import { fileURLToPath } from 'node:url'
import { parseCoapUrl } from '@blocktree/coap'
import { ErisError } from '@blocktree/eris'
import { cacheBytesMin } from './limits.ts'

export interface StoreUrl {
  readonly kind: 'memory' | 'directory' | 'sqlite' | 'cbor' | 'http' | 'coap'
  /** Path of a file or directory, or the URL without its permissions. */
  readonly location: string
  /** CoAP: where the store lies on the peer; undefined for the usual place. */
  readonly path?: string | undefined
  readonly isGet: boolean
  readonly isPut: boolean
  readonly isCache: boolean
  /** Of a cache: bytes of blocks, those not used for longest make room; undefined: no limit was named. */
  readonly bytesMax?: number
  /** CoAP over streams: what is here may be asked for on the same connection. */
  readonly isServing: boolean
}

const kinds: ReadonlyMap<string, StoreUrl['kind']> = new Map([
  ['memory', 'memory'],
  ['dir+file', 'directory'],
  ['dir+fs', 'directory'],
  ['sqlite', 'sqlite'],
  ['cbor+file', 'cbor'],
  ['http', 'http'],
  ['https', 'http'],
  ['coap', 'coap'],
  ['coap+tcp', 'coap'],
  ['coap+unix', 'coap']
])

const boundedKinds: ReadonlySet<StoreUrl['kind']> = new Set(['memory', 'directory', 'sqlite'])

export interface ParsedUrl {
  readonly text: string
  readonly scheme: string
  readonly rest: string
  readonly words: ReadonlySet<string>
}

/** Scheme, what follows it, and the words of its query. */
export function splitUrl(text: string): ParsedUrl {
  const colon = text.indexOf(':')
  const question = text.indexOf('?')
  const end = question < 0 ? text.length : question
  if (colon <= 0 || colon > end) throw wrong(text, 'it has no scheme')
  const words = text
    .slice(end + 1)
    .split('&')
    .filter((word) => word !== '')
  return { text, scheme: text.slice(0, colon), rest: text.slice(colon + 1, end), words: new Set(words) }
}

/** ERR_ERIS_ARGUMENT for text that names no store. */
export function parseStoreUrl(text: string): StoreUrl {
  const { scheme, rest, words } = splitUrl(text)
  const kind = kinds.get(scheme)
  if (kind === undefined) throw wrong(text, `known schemes are ${[...kinds.keys()].join(', ')}`)
  const permissions = readPermissions(text, words)
  const hasLimit = permissions.bytesMax !== undefined
  if (hasLimit && !(permissions.isCache && boundedKinds.has(kind)))
    throw wrong(text, '"limit" is for a cache in memory, in a directory or in a database')
  if (permissions.isServing && !scheme.startsWith('coap+'))
    throw wrong(text, '"serve" is for coap+tcp and coap+unix')
  switch (kind) {
    case 'memory':
      return { kind, location: 'memory', ...permissions }
    case 'directory':
    case 'cbor':
    case 'sqlite':
      return { kind, location: filePath(text, rest), ...permissions }
    case 'http':
      if (!URL.canParse(`${scheme}:${rest}`)) throw wrong(text, 'it is no URL')
      return { kind, location: `${scheme}:${rest}`, ...permissions }
    case 'coap':
      return { kind, ...coapLocation(text, `${scheme}:${rest}`), ...permissions }
    default:
      return kind satisfies never
  }
}

function readPermissions(
  text: string,
  words: ReadonlySet<string>
): Pick<StoreUrl, 'isGet' | 'isPut' | 'isCache' | 'isServing' | 'bytesMax'> {
  const [limit, ...limits] = [...words].filter((word) => word.startsWith('limit='))
  if (limits.length > 0) throw wrong(text, 'it has two limits')
  const unknown = [...words].find(
    (word) => word !== limit && !['get', 'put', 'cache', 'serve'].includes(word)
  )
  if (unknown !== undefined) throw wrong(text, `"${unknown}" is not get, put, cache, limit or serve`)
  const isServing = words.has('serve')
  const isCache = words.has('cache')
  const hasNone = !words.has('get') && !words.has('put') && !isCache
  return {
    isGet: words.has('get') || isCache || hasNone,
    isPut: words.has('put') || isCache || hasNone,
    isCache,
    ...(limit === undefined ? {} : { bytesMax: readLimit(text, limit.slice('limit='.length)) }),
    isServing
  }
}

const units: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40]
])

/** `1048576`, `64MiB`. */
function readLimit(text: string, limit: string): number {
  const [, digits = '', unit = ''] = /^([0-9]{1,15})([A-Za-z]{0,3})$/.exec(limit) ?? []
  const bytes = Number(digits) * (units.get(unit) ?? 0)
  if (bytes >= cacheBytesMin && Number.isSafeInteger(bytes)) return bytes
  throw wrong(text, `the limit "${limit}" is not a size of at least ${cacheBytesMin} bytes such as 64MiB`)
}

/** `///absolute`, `/absolute`, `relative`. */
function filePath(text: string, rest: string): string {
  if (rest.startsWith('///')) return fileURLToPath(`file:${rest}`)
  if (rest.startsWith('//')) throw wrong(text, 'a file has no host: write three slashes')
  if (rest === '') throw wrong(text, 'it names no file')
  return rest
}

function coapLocation(text: string, url: string): Pick<StoreUrl, 'location' | 'path'> {
  try {
    const { path } = parseCoapUrl(url)
    return { location: url, path: path === '/' ? undefined : path }
  } catch (error) {
    throw wrong(text, error instanceof Error ? error.message : String(error))
  }
}

function wrong(text: string, reason: string): ErisError {
  return new ErisError('ERR_ERIS_ARGUMENT', `"${text}" names no store: ${reason}`)
}
