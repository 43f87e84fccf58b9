/** A byte link over a socket of Node. */
import type { Socket } from 'node:net'
import type { ByteLink, LinkReceiver } from './byte-link.ts'

const lastWordsMs = 1000

/** @param socket connected; nothing may have read from it, and somebody must listen to its errors */
export function createSocketLink(socket: Socket): ByteLink {
  return new SocketLink(socket)
}

class SocketLink implements ByteLink {
  readonly #socket: Socket
  #error: Error | undefined

  constructor(socket: Socket) {
    this.#socket = socket
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
    socket.on('data', (chunk: Buffer) => receiver.receive(chunk))
    socket.on('drain', () => receiver.drained())
    socket.once('close', ended)
  }

  send(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket
    if (!socket.writable) return
    if (chunks.length === 1) {
      for (const chunk of chunks) socket.write(chunk)
      return
    }
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
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
