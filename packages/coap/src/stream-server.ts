/** Listens on TCP or a Unix socket and keeps the connections within their limits. */
import { chmodSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import { CoapError } from './coap-error.ts'
import { formatHost } from './datagram-socket.ts'
import { HeldBudget } from './held-budget.ts'
import { connectionsMax as connectionsMaxDefault } from './limits.ts'
import type { CoapServer, ListenOptions } from './listen.ts'
import type { Service } from './service.ts'
import { type SessionTimes, serverTimes } from './session-watch.ts'
import { prepareSocketPath } from './socket-path.ts'
import { createSocketSession } from './stream-socket.ts'
import type { StreamSession } from './stream-session.ts'
import { type CoapAddress, formatCoapUrl } from './url.ts'

export async function listenOnStream(
  address: CoapAddress,
  service: Service,
  options: ListenOptions
): Promise<CoapServer> {
  const sessions = new Set<StreamSession>()
  const budget = new HeldBudget(sessions)
  const times: SessionTimes = { ...serverTimes, ...options.times }
  const connectionsMax = options.connectionsMax ?? connectionsMaxDefault
  const { transport } = address
  let opened = 0

  const admit = (socket: Socket): void => {
    if (sessions.size >= connectionsMax && !makeRoom(sessions)) {
      socket.destroy()
      return
    }
    socket.setNoDelay(true)
    const number = ++opened
    const name =
      transport === 'unix'
        ? `unix peer ${number}`
        : formatHost(socket.remoteAddress ?? '?', socket.remotePort ?? 0)
    const session = createSocketSession(socket, {
      service,
      transport,
      address: name,
      peerKey: `${transport} ${number}`,
      times,
      onHeldBytes: (difference) => budget.change(difference)
    })
    sessions.add(session)
    options.onConnection?.(session)
    session.closed
      .then((error) => {
        sessions.delete(session)
        options.onDisconnection?.(session, error)
      })
      .catch(() => undefined)
  }

  const server = createServer({ allowHalfOpen: true }, admit)
  const bound = await bind(server, address, options)
  return {
    url: formatCoapUrl(bound),
    get connections() {
      return sessions.size
    },
    get heldBytes() {
      return budget.heldBytes
    },
    async close() {
      const stopped = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      await Promise.all([...sessions].map((session) => session.close()))
      await stopped
    }
  }
}

/** Closes the connection that is idle for longest; false when none is idle. */
function makeRoom(sessions: Set<StreamSession>): boolean {
  let idlest: StreamSession | undefined
  for (const session of sessions)
    if (session.isIdle && session.lastActivity < (idlest?.lastActivity ?? Infinity)) idlest = session
  if (idlest === undefined) return false
  sessions.delete(idlest)
  void idlest.close()
  return true
}

async function bind(server: Server, address: CoapAddress, options: ListenOptions): Promise<CoapAddress> {
  if (address.transport !== 'unix') {
    await listen(server, address, { host: address.host, port: address.port })
    const { port } = server.address() as { port: number }
    return { ...address, port }
  }
  await prepareSocketPath(address.socket)
  const mode = options.socketMode ?? 0o600
  const before = process.umask(0o177) // closed to others from its first moment on
  try {
    await listen(server, address, { path: address.socket })
  } finally {
    process.umask(before)
  }
  chmodSync(address.socket, mode)
  return address
}

async function listen(
  server: Server,
  address: CoapAddress,
  where: { readonly host: string; readonly port: number } | { readonly path: string }
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new CoapError('ERR_COAP_CONNECT', `cannot listen on ${formatCoapUrl(address)}: ${error.message}`, {
          cause: error
        })
      )
    )
    server.listen(where, resolve)
  })
  server.on('error', () => undefined) // of single connections; the server goes on
}
