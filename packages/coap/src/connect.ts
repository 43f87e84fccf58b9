/** Dialling: a peer at an address, of any transport. */
import { type Socket, createConnection } from 'node:net'
import { systemClock } from './clock.ts'
import { CoapError } from './coap-error.ts'
import { connectDatagrams } from './datagram-client.ts'
import type { Handler } from './handler.ts'
import type { CoapPeer } from './peer.ts'
import { answerNothing, createService } from './service.ts'
import { clientTimes } from './session-watch.ts'
import { createSocketSession } from './stream-socket.ts'
import { type CoapAddress, formatCoapUrl, parseCoapUrl } from './url.ts'

export interface ConnectOptions {
  /** Answers requests of the peer on the same connection; each is answered 4.04 when left out. */
  readonly handler?: Handler
  /** Milliseconds until ERR_COAP_CONNECT; 10,000 when left out. */
  readonly timeoutMs?: number
  /** Over UDP: exchanges that run at one time; 1 as RFC 7252 has it when left out, the others wait. */
  readonly outstandingMax?: number
}

const connectTimeoutMs = 10_000
let dialled = 0

/** ERR_COAP_URL, ERR_COAP_CONNECT. The path of the address plays no part. */
export async function connectCoap(url: string, options: ConnectOptions = {}): Promise<CoapPeer> {
  const address = parseCoapUrl(url)
  const service = createService({ handler: options.handler ?? answerNothing, clock: systemClock })
  if (address.transport === 'udp')
    return await connectDatagrams(address, service, { outstandingMax: options.outstandingMax })
  const socket = await openSocket(address, options.timeoutMs ?? connectTimeoutMs)
  return createSocketSession(socket, {
    service,
    transport: address.transport,
    address: address.transport === 'unix' ? address.socket : `${address.host}:${address.port}`,
    peerKey: `dialled ${++dialled}`,
    times: clientTimes
  })
}

async function openSocket(address: CoapAddress, timeoutMs: number): Promise<Socket> {
  const where =
    address.transport === 'unix' ? { path: address.socket } : { host: address.host, port: address.port }
  const socket = createConnection({ ...where, allowHalfOpen: true, noDelay: true })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (reason: string, cause?: Error): void => {
    const text = `cannot connect to ${formatCoapUrl(address)}: ${reason}`
    reject(new CoapError('ERR_COAP_CONNECT', text, { cause }))
  }
  const onError = (error: Error): void => fail(error.message, error)
  const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs)
  socket.once('error', onError)
  socket.once('connect', resolve)
  try {
    await promise
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    socket.off('error', onError)
  }
}
