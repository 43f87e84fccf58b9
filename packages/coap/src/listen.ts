/** Serving: one handler, any number of addresses of any transport. */
import { systemClock } from './clock.ts'
import { listenOnDatagrams } from './datagram-server.ts'
import type { Handler } from './handler.ts'
import type { CoapPeer } from './peer.ts'
import { createService } from './service.ts'
import type { SessionTimes } from './session-watch.ts'
import { listenOnStream } from './stream-server.ts'
import { parseCoapUrl } from './url.ts'

export interface ListenOptions {
  /** Mode of a Unix socket; 0o600 when left out. */
  readonly socketMode?: number
  /** Of TCP and Unix sockets; 1,024 when left out. The one idle for longest makes room. */
  readonly connectionsMax?: number
  /** Limits in time that differ from the usual ones. */
  readonly times?: Partial<SessionTimes>
  /** A peer has connected; it can be asked. Not called for datagrams, which have no connections. */
  readonly onConnection?: (peer: CoapPeer) => void
  readonly onDisconnection?: (peer: CoapPeer, error: Error | undefined) => void
  /** Told of errors that the handler throws; the peer is answered 5.00. */
  readonly onHandlerError?: (error: unknown) => void
}

export interface CoapServer {
  /** With the port that the system chose when it was asked for port 0. */
  readonly url: string
  readonly connections: number
  /** Bytes held for connections: unfinished, waiting and unsent. */
  readonly heldBytes: number
  /** Lets running requests end, then closes everything. */
  close(): Promise<void>
}

/** ERR_COAP_URL, ERR_COAP_CONNECT. A Unix socket that nobody answers at any more is replaced. */
export async function listenCoap(
  url: string,
  handler: Handler,
  options: ListenOptions = {}
): Promise<CoapServer> {
  const address = parseCoapUrl(url)
  const service = createService({ handler, clock: systemClock, onHandlerError: options.onHandlerError })
  return address.transport === 'udp'
    ? await listenOnDatagrams(address, service)
    : await listenOnStream(address, service, options)
}
