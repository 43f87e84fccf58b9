/** TCP and UDP for apps that were granted it, to and on addresses that were judged before. */
import { type Socket as DatagramSocket, createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { type Server, type Socket, connect, createServer } from 'node:net'
import type { Host } from '@blocktree/app-package'
import {
  HostFailure,
  type SocketPort,
  type TcpListener,
  type TcpSocket,
  type UdpSocket
} from '@blocktree/apps'

const backlog = 64 // connections that wait to be accepted
const datagramsKept = 64 // received and not read yet; more are dropped, as UDP allows

export function createSocketPort(): SocketPort {
  return {
    async resolve(host) {
      const found = await lookup(host, { all: true, order: 'verbatim' })
      return found.map(({ address }) => address)
    },
    connect: connectTo,
    listen: listenOn,
    bindUdp
  }
}

function connectTo(address: string, port: number, signal: AbortSignal): Promise<TcpSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true })
    const end = (): void => void socket.destroy(new Error('the time for the connection is over'))
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    socket.once('error', (cause) => {
      reject(new HostFailure('unreachable', `${address} port ${port} cannot be reached`, { cause }))
    })
    socket.once('connect', () => {
      signal.removeEventListener('abort', end)
      resolve(new NodeTcpSocket(socket))
    })
  })
}

function listenOn(address: string, port: number): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    server.on('error', (cause) => reject(cannotBind(address, port, cause))) // later ones: a connection was not taken
    server.listen({ host: address, port, backlog }, () => resolve(new NodeTcpListener(server)))
  })
}

function bindUdp(address: string, port: number): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', (cause) => reject(cannotBind(address, port, cause)))
    socket.bind(port, address, () => resolve(new NodeUdpSocket(socket)))
  })
}

function cannotBind(address: string, port: number, cause: unknown): HostFailure {
  return new HostFailure('conflict', `${address} port ${port} cannot be bound`, { cause })
}

function endpoint(address: string | undefined, port: number | undefined): Host.Endpoint {
  return { host: address ?? '', port: port ?? 0 }
}

/** Waits until `isReady`, or fails with `timeout`, or `closed` after `close`. One caller at a time. */
class Waiter {
  #wake: (() => void) | undefined
  #isClosed = false

  async wait(waitMs: number, isReady: () => boolean): Promise<void> {
    if (isReady()) return
    if (this.#wake !== undefined) throw new HostFailure('busy', 'another call waits for this socket')
    const until = performance.now() + waitMs
    try {
      while (!isReady()) {
        if (this.#isClosed) throw new HostFailure('closed', 'the socket is closed')
        const left = until - performance.now()
        if (left <= 0) throw new HostFailure('timeout', `nothing came within ${waitMs} ms`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left)
          this.#wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    } finally {
      this.#wake = undefined
    }
  }

  wake(): void {
    this.#wake?.()
  }

  close(): void {
    this.#isClosed = true
    this.wake()
  }
}

class NodeTcpSocket implements TcpSocket {
  readonly local: Host.Endpoint
  readonly peer: Host.Endpoint
  readonly #socket: Socket
  readonly #waiter = new Waiter()
  #left: Uint8Array = new Uint8Array(0)
  #isEnded = false
  #failure: Error | undefined
  #notify: (kind: 'readable' | 'closed') => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.local = endpoint(socket.localAddress, socket.localPort)
    this.peer = endpoint(socket.remoteAddress, socket.remotePort)
    socket.pause()
    socket.on('readable', () => this.#tell('readable'))
    socket.on('end', () => {
      this.#isEnded = true
      this.#tell('closed')
    })
    socket.on('error', (error) => (this.#failure = error))
    socket.on('close', () => {
      this.#isEnded = true
      this.#tell('closed')
    })
  }

  async send(bytes: Uint8Array): Promise<void> {
    this.#expectOpen()
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (cause) => {
        if (cause === null || cause === undefined) resolve()
        else reject(new HostFailure('closed', 'the connection is closed', { cause }))
      })
    })
  }

  async receive(length: number, waitMs: number): Promise<Uint8Array | undefined> {
    await this.#waiter.wait(waitMs, () => this.#pull() || this.#isEnded)
    if (this.#left.byteLength === 0) {
      this.#expectOpen()
      return undefined
    }
    const part = this.#left.subarray(0, length)
    this.#left = this.#left.subarray(part.byteLength)
    return part
  }

  shutdown(kind: Host.ShutdownKind): Promise<void> {
    if (kind !== 'receive') this.#socket.end()
    if (kind !== 'send') this.#isEnded = true
    return Promise.resolve()
  }

  onReadable(listener: (kind: 'readable' | 'closed') => void): void {
    this.#notify = listener
  }

  close(): void {
    this.#socket.destroy()
  }

  #pull(): boolean {
    if (this.#left.byteLength > 0) return true
    const part: unknown = this.#socket.read()
    if (part instanceof Uint8Array) this.#left = part
    return this.#left.byteLength > 0
  }

  #expectOpen(): void {
    if (this.#failure === undefined) return
    throw new HostFailure('closed', 'the connection was lost', { cause: this.#failure })
  }

  #tell(kind: 'readable' | 'closed'): void {
    this.#waiter.wake()
    this.#notify(kind)
  }
}

class NodeTcpListener implements TcpListener {
  readonly local: Host.Endpoint
  readonly #server: Server
  readonly #waiting: Socket[] = []
  readonly #waiter = new Waiter()
  #notify: () => void = () => undefined

  constructor(server: Server) {
    this.#server = server
    const bound = server.address()
    this.local =
      typeof bound === 'object' && bound !== null ? endpoint(bound.address, bound.port) : endpoint('', 0)
    server.on('connection', (socket) => {
      if (this.#waiting.length >= backlog) {
        socket.destroy()
        return
      }
      socket.on('error', () => undefined) // nobody has taken it yet; who does sees that it is closed
      this.#waiting.push(socket)
      this.#waiter.wake()
      this.#notify()
    })
  }

  async accept(waitMs: number): Promise<TcpSocket> {
    await this.#waiter.wait(waitMs, () => this.#waiting.length > 0)
    const socket = this.#waiting.shift()
    if (socket === undefined) throw new HostFailure('timeout', 'nobody came')
    return new NodeTcpSocket(socket)
  }

  onAcceptable(listener: () => void): void {
    this.#notify = listener
  }

  close(): void {
    for (const socket of this.#waiting.splice(0)) socket.destroy()
    this.#server.close()
    this.#waiter.close()
  }
}

class NodeUdpSocket implements UdpSocket {
  readonly local: Host.Endpoint
  readonly #socket: DatagramSocket
  readonly #received: Host.Datagram[] = []
  readonly #waiter = new Waiter()
  #notify: () => void = () => undefined

  constructor(socket: DatagramSocket) {
    this.#socket = socket
    const { address, port } = socket.address()
    this.local = endpoint(address, port)
    socket.on('error', () => undefined) // what a datagram met on its way tells nothing about the next one
    socket.on('message', (content, { address: host, port: from }) => {
      if (this.#received.length >= datagramsKept) return
      this.#received.push({ peer: { host, port: from }, content })
      this.#waiter.wake()
      this.#notify()
    })
  }

  send(address: string, port: number, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(bytes, port, address, (cause) => {
        if (cause === null) resolve()
        else reject(new HostFailure('unreachable', `a datagram to ${address} was not sent`, { cause }))
      })
    })
  }

  async receive(waitMs: number): Promise<Host.Datagram> {
    await this.#waiter.wait(waitMs, () => this.#received.length > 0)
    const datagram = this.#received.shift()
    if (datagram === undefined) throw new HostFailure('timeout', 'no datagram came')
    return datagram
  }

  onReadable(listener: () => void): void {
    this.#notify = listener
  }

  close(): void {
    this.#socket.close()
    this.#waiter.close()
  }
}
