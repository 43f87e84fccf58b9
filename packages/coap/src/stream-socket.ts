/** Joins a session to a socket of the system, TCP or Unix. */
import type { Socket } from 'node:net'
import { type Clock, systemClock } from './clock.ts'
import type { CoapPeer } from './peer.ts'
import type { Service } from './service.ts'
import type { SessionTimes } from './session-watch.ts'
import { StreamSession } from './stream-session.ts'
import type { StreamConnection } from './stream-output.ts'

export interface SocketSessionOptions {
  readonly service: Service
  readonly transport: CoapPeer['transport']
  readonly address: string
  readonly peerKey: string
  readonly times: SessionTimes
  readonly clock?: Clock
  readonly onHeldBytes?: (difference: number) => void
}

const lingerMs = 2000

export function createSocketSession(socket: Socket, options: SocketSessionOptions): StreamSession {
  let failure: Error | undefined
  const connection: StreamConnection = {
    get unsentBytes() {
      return socket.writableLength
    },
    write(chunks) {
      if (socket.destroyed || !socket.writable) return
      const last = chunks.length - 1
      if (last > 0) socket.cork()
      for (const [index, chunk] of chunks.entries())
        if (index === last) socket.write(chunk, onWritten)
        else socket.write(chunk)
      if (last > 0) socket.uncork()
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end() {
      if (socket.destroyed) return
      socket.end()
      socket.resume() // what still comes is thrown away, so that the end is seen
      setTimeout(() => socket.destroy(), lingerMs).unref()
    },
    destroy: () => void socket.destroy()
  }
  const session = new StreamSession({
    clock: systemClock,
    ...options,
    connection,
    defer: (flush) => void setImmediate(flush)
  })
  const onWritten = (error?: Error | null): void => {
    if (error === undefined || error === null) session.drained()
  }
  socket.on('data', (chunk: Uint8Array) => session.receive(chunk))
  socket.on('error', (error) => {
    failure = error
  })
  socket.once('end', () => session.ended())
  socket.once('close', () => session.ended(failure))
  return session
}
