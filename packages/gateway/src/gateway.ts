/**
 * The HTTP server in front of the apps: one origin per app, everything bounded, what is doubtful refused
 * (doc/spec/21-gateway.md). It owns parsing, TLS, limits, headers and the log; apps get requests that were checked.
 */
import { randomBytes } from 'node:crypto'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { AccessLine } from './access-log.ts'
import { answerApp } from './app-answer.ts'
import type { AppDirectory } from './app-directory.ts'
import { type CertificateFiles, loadCertificate } from './certificate-files.ts'
import { Exchange } from './exchange.ts'
import { ConnectionTable } from './connection-table.ts'
import { GatewayError } from './gateway-error.ts'
import { HostNames, type HostRules } from './host-name.ts'
import { type GatewayLimits, defaultLimits, requestHeadersMax } from './limits.ts'
import { GatewayMetrics, type Metric } from './metrics.ts'
import { type OwnFacts, answerOwn, isPublic } from './own-answer.ts'
import { parseTarget } from './request-target.ts'
import { RunningExchanges } from './running-exchanges.ts'

export interface GatewayOptions {
  readonly apps: AppDirectory
  /** Milliseconds since 1970. */
  readonly clock: { now(): number }
  readonly log: (line: AccessLine) => void
  readonly hosts?: HostRules
  readonly limits?: Partial<GatewayLimits>
  /** Serves https instead of http. */
  readonly certificate?: CertificateFiles | undefined
  /** Shown by `/metrics` beside those of the gateway. */
  readonly metrics?: () => readonly Metric[]
  /** What keeps the node from being healthy, in sentences; empty when nothing does. */
  readonly ailments?: () => readonly string[]
}

export interface Gateway {
  /** Starts to listen; port 0 takes a free one. @throws ERR_GATEWAY_LISTEN */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ host: string; port: number }>
  /** Reads the files of the certificate again; connections that are open keep theirs. @throws ERR_GATEWAY_CERTIFICATE */
  reloadCertificate(): Promise<void>
  readonly connections: number
  /** Stops listening, lets running answers finish for `graceMs`, then ends what is left. */
  close(graceMs?: number): Promise<void>
}

/** @throws ERR_GATEWAY_CERTIFICATE, ERR_GATEWAY_HOST_RULE */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = { ...defaultLimits, ...options.limits }
  const requests = new RequestHandler(options, limits)
  const server = await createListener(options.certificate, limits)
  server.on('request', (message: IncomingMessage, response: ServerResponse) =>
    requests.take(message, response)
  )
  server.on('checkExpectation', (_message: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417, { connection: 'close', 'content-length': '0' }).end()
  })
  server.on('upgrade', (_message: IncomingMessage, socket: Socket) => refuseUpgrade(socket))
  server.on('connection', (socket: Socket) => requests.open(socket))
  server.on(options.certificate === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    socket.once('close', () => requests.leave(socket))
  })
  return {
    listen: (address) => listen(server, address),
    async reloadCertificate() {
      if (options.certificate === undefined || !('setSecureContext' in server)) return
      const { cert, key } = await loadCertificate(options.certificate)
      server.setSecureContext({ cert, key })
    },
    get connections() {
      return requests.connections
    },
    close: (graceMs = 1000) => closeServer(server, requests, graceMs)
  }
}

async function createListener(
  certificate: CertificateFiles | undefined,
  limits: GatewayLimits
): Promise<Server | SecureServer> {
  const bounds = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    handshakeTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
    requireHostHeader: true,
    insecureHTTPParser: false,
    optimizeEmptyRequests: true, // no events of a body where no header tells of one
    joinDuplicateHeaders: false
  }
  const server =
    certificate === undefined
      ? createServer(bounds)
      : createSecureServer({ ...bounds, ...(await loadCertificate(certificate)), minVersion: 'TLSv1.2' })
  server.maxConnections = limits.connectionsMax
  server.maxHeadersCount = 0 // they are counted here: Node would leave out what is too much, and say nothing
  server.setTimeout(limits.idleTimeoutMs)
  return server
}

/** The server has let go of the socket: nobody else hears its errors, or ends it when the client does not. */
function refuseUpgrade(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.write('HTTP/1.1 501 Not Implemented\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
  socket.destroySoon()
}

/** Takes requests of all connections; counts what is open and what runs. */
class RequestHandler {
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #hosts: HostNames
  readonly #metrics = new GatewayMetrics()
  readonly #idPrefix = randomBytes(8).toString('hex')
  readonly #running = new RunningExchanges()
  readonly #scheme: 'http' | 'https'
  readonly #connections: ConnectionTable
  #requests = 0
  /** Set when the gateway closes: running answers are the last of their connections. */
  isClosing = false

  constructor(options: GatewayOptions, limits: GatewayLimits) {
    this.#options = options
    this.#limits = limits
    this.#connections = new ConnectionTable(limits.connectionsPerAddressMax)
    this.#hosts = new HostNames(options.hosts ?? {})
    this.#scheme = options.certificate === undefined ? 'http' : 'https'
  }

  open(socket: Socket): void {
    this.#connections.take(socket)
  }

  get connections(): number {
    return this.#connections.open
  }

  take(message: IncomingMessage, response: ServerResponse): void {
    this.#requests += 1
    const exchange = new Exchange({
      id: `${this.#idPrefix}-${this.#requests.toString(36)}`,
      startedMs: this.#options.clock.now(),
      message,
      response,
      scheme: this.#scheme
    })
    this.#running.add(exchange)
    if (this.isClosing) response.setHeader('connection', 'close')
    const answered = this.#answer(exchange)
    if (answered === undefined) this.#finish(exchange)
    else void answered.then(() => this.#finish(exchange))
  }

  /** Tells what runs for this connection, or for all, that nobody waits any more. */
  leave(socket?: Socket): void {
    for (const exchange of this.#running.list()) {
      if (socket === undefined || exchange.message.socket === socket) exchange.leave()
    }
  }

  get running(): number {
    return this.#running.size
  }

  /**
   * Never throws or rejects: what goes wrong becomes an answer or the end of the connection. undefined when all is
   * handed over already.
   */
  #answer(exchange: Exchange): Promise<void> | undefined {
    const { message } = exchange
    if (this.#running.size > this.#limits.requestsRunningMax) {
      exchange.refuse(503, 'ERR_GATEWAY_BUSY', 'too many requests are running')
      return undefined
    }
    if (message.rawHeaders.length > requestHeadersMax * 2) {
      exchange.refuse(431, 'ERR_HEADERS', `the request has more than ${requestHeadersMax} headers`)
      return undefined
    }
    const host = onlyHost(message)
    const destination = host === undefined ? undefined : this.#hosts.destination(host)
    if (destination === undefined) {
      exchange.refuse(421, 'ERR_HOST_UNKNOWN', 'the Host header names nothing that is served here')
      return undefined
    }
    const target = parseTarget(message.url ?? '')
    if (target === undefined) {
      exchange.refuse(400, 'ERR_TARGET', 'the request target is not a plain absolute path')
      return undefined
    }
    exchange.target = target
    if (destination.kind === 'gateway') {
      answerOwn(exchange, destination, this.#ownFacts())
      return undefined
    }
    const app = this.#options.apps.find(destination.name)
    if (app === undefined) {
      exchange.refuse(404, 'ERR_APP_UNKNOWN', `no app "${destination.name}" is installed here`)
      return undefined
    }
    exchange.app = app.name
    const { authority } = destination
    const context = { authority, isPublic: isPublic(exchange, destination), limits: this.#limits }
    return answerApp(exchange, app, context)
  }

  #ownFacts(): OwnFacts {
    return {
      ailments: () => this.#options.ailments?.() ?? [],
      metricsText: () =>
        this.#metrics.text(
          { connections: this.connections, requestsRunning: this.#running.size },
          this.#options.metrics?.() ?? []
        )
    }
  }

  #finish(exchange: Exchange): void {
    this.#running.delete(exchange)
    const durationMs = this.#options.clock.now() - exchange.startedMs
    if (exchange.app === undefined) this.#metrics.countRefused()
    else this.#metrics.count(exchange.app, exchange.status, durationMs, exchange.bytes)
    this.#options.log(exchange.line(durationMs))
  }
}

/** undefined when there is none, or more than one: `headers` would show the first of them. */
function onlyHost(message: IncomingMessage): string | undefined {
  const { rawHeaders } = message
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count === 1 ? message.headers.host : undefined
}

async function listen(
  server: Server | SecureServer,
  address: { readonly host: string; readonly port: number }
): Promise<{ host: string; port: number }> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(address.port, address.host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason'
    throw new GatewayError(
      'ERR_GATEWAY_LISTEN',
      `cannot listen on ${address.host}:${address.port} (${reason}); choose another address or port`,
      { cause }
    )
  }
  const bound = server.address()
  return isAddress(bound) ? { host: bound.address, port: bound.port } : { ...address }
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}

async function closeServer(
  server: Server | SecureServer,
  requests: RequestHandler,
  graceMs: number
): Promise<void> {
  requests.isClosing = true
  if (!server.listening) return
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  server.closeIdleConnections()
  const timer = setTimeout(() => {
    requests.leave()
    server.closeAllConnections()
  }, graceMs)
  await closed
  clearTimeout(timer)
}
