/** From text to a store: one URL, or several separated by spaces that are asked in order. */
import type { Handler } from '@blocktree/coap'
import { type BlockStore, ErisError, type StorePermissions } from '@blocktree/eris'
import { createMemoryStore } from '@blocktree/eris/memory'
import { createBoundedStore } from './bounded-store.ts'
import { openCborStore } from './cbor-store.ts'
import { createCoapStore, storePathDefault } from './coap-store.ts'
import { openDirectoryStore } from './directory-store.ts'
import { type FallbackMember, createFallbackStore } from './fallback-store.ts'
import { createHttpStore } from './http-store.ts'
import { recentBytesMax } from './limits.ts'
import { createRecentStore } from './recent-store.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { type StoreUrl, parseStoreUrl } from './store-url.ts'

export interface OpenOptions {
  /** Bytes that a store on this machine may take (memory, SQLite); no limit when left out. */
  readonly bytesMax?: number
  /** Milliseconds for one request to a store of somebody else. */
  readonly timeoutMs?: number
  /** Answers peers that are dialled with `serve`, on the same connection. */
  readonly handler?: Handler
  /** Told of stores that failed while another one went on. */
  readonly onFailure?: (store: BlockStore, error: unknown) => void
}

/**
 * One URL gives its store as it is; several give one store that checks, falls back and caches. ERR_ERIS_ARGUMENT for
 * text that names no store, and what the drivers reject with.
 */
export async function openBlockStore(urls: string, options: OpenOptions = {}): Promise<BlockStore> {
  const [first, ...others] = urls.split(/\s+/).filter((url) => url !== '')
  if (first === undefined) throw new ErisError('ERR_ERIS_ARGUMENT', 'no store is named')
  const url = parseStoreUrl(first)
  if (others.length === 0 && !url.isCache) return await openOne(url, options)
  return createFallbackStore(await openMembers([first, ...others], options), {
    onFailure: options.onFailure ?? (() => undefined)
  })
}

/** Each URL as a member of a fallback store; when one cannot be opened, those before it are closed. */
export async function openMembers(urls: readonly string[], options: OpenOptions): Promise<FallbackMember[]> {
  const members: FallbackMember[] = []
  try {
    for (const text of urls) {
      const url = parseStoreUrl(text)
      const isTrusted = url.kind === 'memory'
      members.push({ store: await openOne(url, options), isCache: url.isCache, isTrusted })
    }
    return members
  } catch (error) {
    await Promise.allSettled(members.map(({ store }) => store.close()))
    throw error
  }
}

/** A limit in the URL is that of this store alone. */
async function openOne(url: StoreUrl, options: OpenOptions): Promise<BlockStore> {
  const { bytesMax } = url
  if (bytesMax === undefined) return await openUnbounded(url, options)
  if (url.kind === 'memory') return createRecentStore({ bytesMax })
  const store = url.kind === 'directory' ? openDirectoryStore(url.location) : openSqliteStore(url.location)
  return createBoundedStore(await store, { bytesMax })
}

async function openUnbounded(
  url: StoreUrl,
  { bytesMax, timeoutMs, handler }: OpenOptions
): Promise<BlockStore> {
  const permissions: StorePermissions = { get: url.isGet, put: url.isPut, drop: url.isPut, list: url.isGet }
  const bounds = bytesMax === undefined ? {} : { bytesMax }
  const serving = url.isServing && handler !== undefined ? { handler } : {}
  const times = timeoutMs === undefined ? {} : { timeoutMs }
  switch (url.kind) {
    case 'memory':
      if (url.isCache) return createRecentStore({ bytesMax: bytesMax ?? recentBytesMax })
      return createMemoryStore({ permissions, ...bounds })
    case 'directory':
      return await openDirectoryStore(url.location, { permissions })
    case 'sqlite':
      return await openSqliteStore(url.location, { permissions, ...bounds })
    case 'cbor':
      return await openCborStore(url.location, { permissions })
    case 'http':
      return createHttpStore(new URL(url.location), { permissions, ...times })
    case 'coap':
      return createCoapStore(url.location, url.path ?? storePathDefault, {
        permissions,
        ...times,
        ...serving
      })
    default:
      return url.kind satisfies never
  }
}
