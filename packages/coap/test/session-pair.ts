/** Two sessions joined in memory; a step of the test carries what was sent. */
import type { Handler } from '../src/handler.ts'
import { answerNothing, createService } from '../src/service.ts'
import { type SessionTimes, clientTimes, serverTimes } from '../src/session-watch.ts'
import type { StreamConnection } from '../src/stream-output.ts'
import { StreamSession } from '../src/stream-session.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** One end of a stream in memory. */
export class MemoryConnection implements StreamConnection {
  readonly written: Uint8Array[] = []
  isPaused = false
  isEnded = false
  /** While true nothing is taken: what is written stays unsent. */
  isStalled = false
  onWrite: (bytes: Uint8Array) => void = () => undefined
  onEnd: () => void = () => undefined
  #stalled: Uint8Array[] = []

  get unsentBytes(): number {
    return this.#stalled.reduce((sum, { length }) => sum + length, 0)
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.written.push(chunk)
      if (this.isStalled) this.#stalled.push(chunk)
      else this.onWrite(chunk)
    }
  }

  /** Everything that was held back goes out. */
  takeAll(): void {
    this.isStalled = false
    for (const chunk of this.#stalled.splice(0)) this.onWrite(chunk)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnded = true
    this.onEnd()
  }

  destroy(): void {
    this.end()
  }
}

export function createSession(
  clock: VirtualClock,
  connection: MemoryConnection,
  handler: Handler = answerNothing,
  times: SessionTimes = serverTimes
): StreamSession {
  return new StreamSession({
    connection,
    clock,
    service: createService({ handler, clock }),
    defer: (flush) => queueMicrotask(flush),
    transport: 'memory',
    address: 'the test',
    peerKey: 'memory 1',
    times
  })
}

/** Bytes travel at once, in pieces of `pieceBytes`. */
export function createSessionPair(
  clock: VirtualClock,
  handlers: { readonly near?: Handler; readonly far?: Handler },
  pieceBytes = 10_000
): { near: StreamSession; far: StreamSession; nearEnd: MemoryConnection; farEnd: MemoryConnection } {
  const nearEnd = new MemoryConnection()
  const farEnd = new MemoryConnection()
  const near = createSession(clock, nearEnd, handlers.near, clientTimes)
  const far = createSession(clock, farEnd, handlers.far)
  const join = (end: MemoryConnection, session: StreamSession): void => {
    end.onWrite = (bytes) => {
      for (let at = 0; at < bytes.length; at += pieceBytes) session.receive(bytes.slice(at, at + pieceBytes))
    }
    end.onEnd = () => session.ended()
  }
  join(nearEnd, far)
  join(farEnd, near)
  return { near, far, nearEnd, farEnd }
}
