/**
 * The daemon: one store of blocks behind any number of addresses, each with its own permissions, and peers that are asked
 * for what the store has not got. Programs of different rights share blocks through it and cannot tamper with them: a
 * reference is computed from the bytes, and every block is checked before it is given out.
 */
import { type CoapServer, listenCoap } from '@blocktree/coap'
import { type BlockStore, ErisError } from '@blocktree/eris'
import { createCoapResource } from './coap-resource.ts'
import { ConnectedStore } from './connected-store.ts'
import { type FallbackMember, createFallbackStore } from './fallback-store.ts'
import { type HttpListener, listenOnHttp } from './http-listener.ts'
import { createHttpResource } from './http-resource.ts'
import { listenersMax, recentBytesMax } from './limits.ts'
import { type ListenUrl, parseListenUrl } from './listen-url.ts'
import { openMembers } from './open-block-store.ts'
import { createRecentStore } from './recent-store.ts'
import { createRestrictedStore } from './restricted-store.ts'

export interface BlockServerOptions {
  /** `SCHEME://ADDRESS?get&put`: coap, coap+tcp, coap+unix, http, http+unix. */
  readonly listen: readonly string[]
  /** Own store first: what is put is stored when it has taken it. */
  readonly stores: readonly string[]
  /** Stores of others, asked in order for what the own ones have not got. */
  readonly peers?: readonly string[]
  /** Bytes of blocks kept in memory beside the stores; 64 MiB when left out, 0 for none. */
  readonly recentBytesMax?: number
  /** Connections of one listener. */
  readonly connectionsMax?: number
  readonly log?: (entry: BlockServerEvent) => void
}

export interface BlockServerEvent {
  readonly level: 'info' | 'warn'
  readonly event: 'listening' | 'connected' | 'disconnected' | 'store-failed' | 'request-failed' | 'closed'
  readonly [detail: string]: string | number | undefined
}

export interface BlockServer {
  /** Of the listeners, with the ports that the system chose. */
  readonly urls: readonly string[]
  /** Open connections of all listeners. */
  readonly connections: number
  readonly store: BlockStore
  /** Lets running requests end, closes listeners, then stores. */
  close(): Promise<void>
}

type Listener = CoapServer | HttpListener

/** ERR_ERIS_ARGUMENT, the errors of stores, and those of CoAP for addresses. When one fails, nothing stays open. */
export async function startBlockServer(options: BlockServerOptions): Promise<BlockServer> {
  const log = options.log ?? (() => undefined)
  const addresses = options.listen.map(parseListenUrl)
  if (addresses.length === 0 || addresses.length > listenersMax)
    throw new ErisError(
      'ERR_ERIS_ARGUMENT',
      `${addresses.length} addresses to listen on: 1 to ${listenersMax}`
    )
  if (options.stores.length === 0) throw new ErisError('ERR_ERIS_ARGUMENT', 'no store is named')
  const connected = addresses.some(({ isAsking }) => isAsking) ? new ConnectedStore() : undefined
  const store = joinMembers(await openAll(options, connected), log)
  const listeners: Listener[] = []
  const close = async (): Promise<void> => {
    await Promise.allSettled(listeners.map((listener) => listener.close()))
    await store.close()
  }
  try {
    for (const address of addresses) {
      const listener = await listen(address, { store, connected }, options, log)
      listeners.push(listener)
      log({ level: 'info', event: 'listening', url: listener.url })
    }
  } catch (error) {
    await close()
    throw error
  }
  return {
    store,
    urls: listeners.map(({ url }) => url),
    get connections() {
      return listeners.reduce((sum, { connections }) => sum + connections, 0)
    },
    async close() {
      await close()
      log({ level: 'info', event: 'closed' })
    }
  }
}

/** What was used last, the own stores, those who are connected, the peers: in this order they are asked. */
async function openAll(
  { stores, peers = [], recentBytesMax: recentBytes = recentBytesMax }: BlockServerOptions,
  connected: ConnectedStore | undefined
): Promise<readonly FallbackMember[]> {
  const own = await openMembers(stores, {})
  try {
    const shown = createRestrictedStore(createFallbackStore(own), {
      permissions: { get: true, put: false, drop: false, list: false }
    })
    const others = await openMembers(peers, { handler: createCoapResource(shown) })
    const members: readonly FallbackMember[] = [
      ...own,
      ...(connected === undefined ? [] : [{ store: connected }]),
      ...others
    ]
    const isInMemory = members.every(({ isTrusted }) => isTrusted === true)
    return isInMemory || recentBytes === 0 ? members : [recentMember(recentBytes), ...members]
  } catch (error) {
    await Promise.allSettled(own.map(({ store }) => store.close()))
    throw error
  }
}

/** Not listed, and nothing is dropped from it: what counts is what the stores have. */
function recentMember(bytesMax: number): FallbackMember {
  const permissions = { get: true, put: true, drop: false, list: false }
  const store = createRestrictedStore(createRecentStore({ bytesMax }), { permissions, isOwner: true })
  return { store, isCache: true, isTrusted: true }
}

function joinMembers(members: readonly FallbackMember[], log: (entry: BlockServerEvent) => void): BlockStore {
  return createFallbackStore(members, {
    onFailure: (store, error) =>
      log({ level: 'warn', event: 'store-failed', store: store.name, ...describe(error) })
  })
}

async function listen(
  address: ListenUrl,
  { store, connected }: { readonly store: BlockStore; readonly connected: ConnectedStore | undefined },
  options: BlockServerOptions,
  log: (entry: BlockServerEvent) => void
): Promise<Listener> {
  const { isGet, isPut, isPrivate, isAsking, socketMode, kind, url } = address
  const shown = createRestrictedStore(store, {
    permissions: { get: isGet, put: isPut, drop: false, list: false },
    name: url
  })
  const onFailure = (error: unknown): void => {
    if (error instanceof ErisError && error.code === 'ERR_ERIS_STORE_DENIED') return
    log({ level: 'warn', event: 'request-failed', url, ...describe(error) })
  }
  if (kind === 'http')
    return await listenOnHttp(
      address,
      createHttpResource(shown, { isPrivate, onFailure }),
      options.connectionsMax
    )
  let bound = url
  const listener = await listenCoap(url, createCoapResource(shown, { onFailure }), {
    socketMode,
    ...(options.connectionsMax === undefined ? {} : { connectionsMax: options.connectionsMax }),
    onConnection(peer) {
      if (isAsking) connected?.add(peer)
      log({ level: 'info', event: 'connected', url: bound, peer: peer.address })
    },
    onDisconnection(peer, error) {
      connected?.remove(peer)
      const reason = error === undefined ? {} : describe(error)
      log({ level: 'info', event: 'disconnected', url: bound, peer: peer.address, ...reason })
    },
    onHandlerError: onFailure
  })
  bound = listener.url // with the port that the system chose
  return listener
}

function describe(error: unknown): { readonly code: string | undefined; readonly message: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  return { code, message: error instanceof Error ? error.message : String(error) }
}
