/** A byte link over a stream of libp2p. */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { concatBytes } from '@blocktree/codec'
import type { ByteLink, LinkReceiver } from './byte-link.ts'

const lastWordsMs = 1000

/** @param stream nothing may have read from it */
export function createStreamLink(stream: Stream): ByteLink {
  return new StreamLink(stream)
}

class StreamLink implements ByteLink {
  readonly #stream: Stream
  #isOver = false

  constructor(stream: Stream) {
    this.#stream = stream
  }

  get queuedBytes(): number {
    return this.#stream.writeBufferLength
  }

  open(receiver: LinkReceiver): void {
    const stream = this.#stream
    const ended = (why: string): void => {
      if (this.#isOver) return
      this.#isOver = true
      receiver.ended(why)
    }
    stream.addEventListener('close', ({ error }) => ended(error?.message ?? 'the peer ended the connection'))
    // an iterator over the stream would not end here: the event is what tells
    stream.addEventListener('remoteCloseWrite', () => {
      ended('the peer ended the connection')
      this.destroy()
    })
    if (stream.status !== 'open' && stream.readBufferLength === 0) {
      queueMicrotask(() => ended('the peer ended the connection'))
      return
    }
    const drained = (): void => receiver.drained()
    stream.addEventListener('drain', drained)
    stream.addEventListener('idle', drained)
    stream.addEventListener('message', ({ data }: StreamMessageEvent) => {
      if (data instanceof Uint8Array) receiver.receive(data)
      else for (const chunk of data) receiver.receive(chunk)
    })
  }

  send(chunks: readonly Uint8Array[], released?: () => void): void {
    try {
      // one piece: each `send` costs a frame, its encryption and a window update, which is more than a copy
      this.#stream.send(concatBytes(...chunks))
    } catch {
      // it is closing: `close` tells
    }
    released?.()
  }

  end(): void {
    // an error here is one of closing what has ended already
    this.#stream.close({ signal: AbortSignal.timeout(lastWordsMs) }).catch(() => this.#abort())
  }

  destroy(): void {
    if (this.#stream.status !== 'open') return
    if (this.#stream.writeBufferLength === 0) this.#abort()
    else this.end()
  }

  #abort(): void {
    this.#stream.abort(new Error('the connection has ended'))
  }
}
