/** A byte link over a socket of Node. */
import type { OnReadOpts, Socket } from 'node:net'
import type { ByteLink, LinkReceiver } from './byte-link.ts'

const lastWordsMs = 1000
const readBytes: number = 64 * 1024

/**
 * What a socket reads into: one buffer for all that comes, where Node would take new memory for each read. That memory is
 * freed by full collections of garbage, and makes one due every few MiB. To be given to the socket when it is made.
 */
export class ReadBuffer {
  readonly options: OnReadOpts
  #receive: ((chunk: Uint8Array) => void) | undefined
  /** What came before anybody received. */
  #early: Uint8Array[] = []

  constructor() {
    this.options = {
      buffer: new Uint8Array(readBytes),
      callback: (count, buffer) => {
        const chunk = buffer.subarray(0, count)
        if (this.#receive === undefined) this.#early.push(chunk.slice())
        else this.#receive(chunk)
        return true
      }
    }
  }

  open(receive: (chunk: Uint8Array) => void): void {
    const early = this.#early
    this.#early = []
    for (const chunk of early) receive(chunk)
    this.#receive = receive
  }
}

/**
 * @param socket connected; nothing may have read from it, and somebody must listen to its errors
 * @param buffer what the socket was made with, if so
 */
export function createSocketLink(socket: Socket, buffer?: ReadBuffer): ByteLink {
  return new SocketLink(socket, buffer)
}

class SocketLink implements ByteLink {
  readonly #socket: Socket
  readonly #buffer: ReadBuffer | undefined
  #error: Error | undefined

  constructor(socket: Socket, buffer: ReadBuffer | undefined) {
    this.#socket = socket
    this.#buffer = buffer
    socket.on('error', (error) => {
      this.#error = error
    })
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  open(receiver: LinkReceiver): void {
    const socket = this.#socket
    const ended = (): void => receiver.ended(this.#error?.message ?? 'the peer ended the connection')
    if (socket.closed) {
      queueMicrotask(ended)
      return
    }
    if (this.#buffer === undefined) socket.on('data', (chunk: Buffer) => receiver.receive(chunk))
    else this.#buffer.open((chunk) => receiver.receive(chunk))
    socket.on('drain', () => receiver.drained())
    socket.once('close', ended)
  }

  send(chunks: readonly Uint8Array[], released?: () => void): void {
    const socket = this.#socket
    const last = chunks.length - 1
    if (!socket.writable || last < 0) return
    const written = (error?: Error | null): void => {
      if (error === undefined || error === null) released?.()
    }
    socket.cork()
    for (const [index, chunk] of chunks.entries()) {
      if (index === last && released !== undefined) socket.write(chunk, written)
      else socket.write(chunk)
    }
    socket.uncork()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    const socket = this.#socket
    if (socket.destroyed) return
    if (socket.writableLength === 0) {
      socket.destroy()
      return
    }
    // what was written last says why; a peer that does not read is not waited for
    const timer = setTimeout(() => socket.destroy(), lastWordsMs)
    socket.once('close', () => clearTimeout(timer))
    socket.destroySoon()
  }
}
