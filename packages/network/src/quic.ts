/**
 * QUIC, by the package of libp2p for it: native code, prebuilt for the platforms that it knows, loaded when it is
 * switched on. Two things are mended around it: its dials take no notice of being given up, and it takes one connection
 * after another, so that a stranger who begins a handshake and falls silent would keep everybody else out for its time.
 */
import { setMaxListeners } from 'node:events'
import type { Connection, Listener, Stream } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import type { NetworkLimits } from './limits.ts'
import { NetworkError } from './network-error.ts'

type CreateTransport = NonNullable<Libp2pOptions['transports']>[number]
type Transport = ReturnType<CreateTransport>

const packageName: string = '@chainsafe/libp2p-quic'
// as long as nobody answers, a connection is kept alive and given up by these; the session above does both more slowly
const keepAliveMs = 5000
const idleMsMax = 15_000
const streamsMax = 64 // as many as the muxer of TCP takes
const streamBytesMax = 8 * 1024 * 1024 // on the way at a time: what a peer can make us hold
const connectionBytesMax = 16 * 1024 * 1024
const pieceBytesMax = 1024 * 1024

/** Throws `ERR_NETWORK_FEATURE_MISSING` when the package, or its native code for this platform, is not installed. */
export async function loadQuic(limits: NetworkLimits): Promise<CreateTransport> {
  const { quic } = await loadModule()
  const create = quic({
    handshakeTimeout: limits.handshakeTimeoutMs,
    maxIdleTimeout: idleMsMax,
    keepAliveInterval: keepAliveMs,
    maxConcurrentStreamLimit: streamsMax,
    maxStreamData: streamBytesMax,
    maxConnectionData: connectionBytesMax
  })
  return (components) => withManyAcceptors(withSignal(create(components)), limits.handshakesMax)
}

/**
 * A stream of QUIC hands all that waits to the native side at once and counts it as gone, though nobody takes it: what
 * waits for a peer that does not read would be twice what it seems.
 */
export function boundWrites(stream: Stream, connection: Connection): void {
  if (connection.multiplexer === 'quic') Reflect.set(stream, 'maxMessageSize', pieceBytesMax)
}

interface QuicModule {
  readonly quic: (options: Readonly<Record<string, number>>) => CreateTransport
}

async function loadModule(): Promise<QuicModule> {
  let loaded: unknown
  try {
    loaded = await import(packageName)
  } catch (error) {
    throw new NetworkError(
      'ERR_NETWORK_FEATURE_MISSING',
      `QUIC needs the package ${packageName}, which is not installed or has no native code for ${process.platform}-${process.arch}: switch QUIC off, or install again with "npm ci" if this platform has it`,
      { cause: error }
    )
  }
  if (isQuicModule(loaded)) return loaded
  throw new NetworkError('ERR_NETWORK_FEATURE_MISSING', `the installed ${packageName} has no transport in it`)
}

function isQuicModule(loaded: unknown): loaded is QuicModule {
  return (
    typeof loaded === 'object' && loaded !== null && 'quic' in loaded && typeof loaded.quic === 'function'
  )
}

/** A dial ends with its signal; should it still succeed, the connection is dropped by the library, which looks then. */
function withSignal(transport: Transport): Transport {
  const dial = transport.dial.bind(transport)
  transport.dial = (address, options) => {
    const given = Promise.withResolvers<never>()
    const giveUp = (): void => given.reject(new Error(`no answer from ${address.toString()}`))
    if (options.signal.aborted) giveUp()
    options.signal.addEventListener('abort', giveUp, { once: true })
    return Promise.race([dial(address, options), given.promise]).finally(() =>
      options.signal.removeEventListener('abort', giveUp)
    )
  }
  return transport
}

/** @param count handshakes that go on at a time */
function withManyAcceptors(transport: Transport, count: number): Transport {
  const createListener = transport.createListener.bind(transport)
  transport.createListener = (options) => {
    const listener = createListener(options)
    const listen = listener.listen.bind(listener)
    listener.listen = async (address) => {
      await listen(address)
      if (!accepts(listener)) return
      setMaxListeners(count + 1, listener.state.controller.signal)
      for (let other = 1; other < count; other++) void listener.awaitInboundConnections()
    }
    return listener
  }
  return transport
}

interface Accepting {
  readonly state: { readonly controller: AbortController }
  awaitInboundConnections(): Promise<void>
}

/** True for a listener as this version of the package makes it; another one does as it does by itself. */
function accepts(listener: Listener): listener is Listener & Accepting {
  if (!('awaitInboundConnections' in listener) || !('state' in listener)) return false
  const { state } = listener
  return typeof state === 'object' && state !== null && 'controller' in state
}
