/** Room for the connections of an HTTP listener: when there is none left, the one that is idle for longest makes it. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export class ConnectionRoom {
  readonly #most: number
  readonly #open = new Set<Socket>()
  /** Without a request being answered, idle for longest first. */
  readonly #idle = new Set<Socket>()

  constructor(server: Server, most: number) {
    this.#most = most
    server.on('connection', (socket) => this.#take(socket))
    server.on('request', ({ socket }, response) => {
      this.#idle.delete(socket)
      response.once('close', () => {
        if (this.#open.has(socket)) this.#idle.add(socket)
      })
    })
  }

  get count(): number {
    return this.#open.size
  }

  /** When all others are at work, it is the new one that has to go. */
  #take(socket: Socket): void {
    this.#open.add(socket)
    this.#idle.add(socket)
    socket.once('close', () => this.#forget(socket))
    const [longest] = this.#idle
    if (this.#open.size <= this.#most || longest === undefined) return
    this.#forget(longest)
    longest.destroy()
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket)
    this.#idle.delete(socket)
  }
}
