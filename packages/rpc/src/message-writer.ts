/** Messages to bytes, for both framings: what is written in one go leaves as one chunk. */
import { packFrame } from '@blocktree/codec'

import type { Connection, Defer } from './connection.ts'
import { outputBytesMax } from './limits.ts'
import { type StreamMessage, writeStreamMessage } from './message.ts'
import type { Framing } from './schema.ts'
import { encodeDataFrame } from './stream-frame.ts'

const encoder = new TextEncoder()
const headerBytes = 4
const copiedFrameBytesMax = 16 * 1024 // larger frames are handed over without another copy

export class MessageWriter {
  readonly framing: Framing
  readonly #connection: Connection
  readonly #defer: Defer
  #text = ''
  #frames: Uint8Array[] = []
  #frameBytes = 0
  #blocked = false
  #scheduled = false
  #closed = false

  constructor(framing: Framing, connection: Connection, defer: Defer) {
    this.framing = framing
    this.#connection = connection
    this.#defer = defer
  }

  /** True while the transport asked to wait: what is written then is held. */
  get blocked(): boolean {
    return this.#blocked
  }

  get empty(): boolean {
    return this.#text === '' && this.#frameBytes === 0
  }

  /** A message that is JSON text already; only when the framing is `json`. */
  writeText(text: string): void {
    this.#text += text + '\n'
    if (this.#text.length >= outputBytesMax) this.flush()
  }

  /** A packed frame; only when the framing is `frames`. */
  writeFrame(frame: Uint8Array): void {
    const header = new Uint8Array([
      frame.length >>> 24,
      frame.length >>> 16,
      frame.length >>> 8,
      frame.length
    ])
    this.#frames.push(header, frame)
    this.#frameBytes += headerBytes + frame.length
    if (this.#frameBytes >= outputBytesMax) this.flush()
  }

  /** A chunk of a stream; copied. */
  writeStream(message: StreamMessage, dataMethod: string): void {
    if (this.framing !== 'frames' || message.kind !== 'data') {
      this.write(writeStreamMessage(message, this.framing, dataMethod))
      return
    }
    const frame = encodeDataFrame(message.id, message.bytes)
    this.#frames.push(frame)
    this.#frameBytes += frame.length
    if (this.#frameBytes >= outputBytesMax) this.flush()
  }

  /** Throws what the encoder throws. */
  write(message: unknown): void {
    if (this.framing === 'json') this.writeText(JSON.stringify(message))
    else this.writeFrame(packFrame(message))
  }

  /** Flushes soon, together with whatever is written until then. */
  flushSoon(): void {
    if (this.#scheduled || this.#blocked) return
    this.#scheduled = true
    this.#defer(() => {
      this.#scheduled = false
      this.flush()
    })
  }

  flush(): void {
    if (this.#blocked || this.#closed) return
    if (this.#text !== '') {
      const text = this.#text
      this.#text = ''
      this.#send(encoder.encode(text))
    }
    if (this.#frameBytes > 0) {
      const frames = this.#frames
      this.#frames = []
      this.#frameBytes = 0
      for (const chunk of gatherFrames(frames)) this.#send(chunk)
    }
  }

  drained(): void {
    this.#blocked = false
    this.flush()
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#closed = true
    this.#text = ''
    this.#frames = []
    this.#frameBytes = 0
  }

  #send(chunk: Uint8Array): void {
    if (!this.#connection.send(chunk)) this.#blocked = true
  }
}

/** Small neighbours become one chunk, large frames stay as they are. */
function* gatherFrames(frames: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = []
  let smallBytes = 0
  for (const frame of frames) {
    if (frame.length <= copiedFrameBytesMax) {
      small.push(frame)
      smallBytes += frame.length
      continue
    }
    if (smallBytes > 0) yield join(small, smallBytes)
    small = []
    smallBytes = 0
    yield frame
  }
  if (smallBytes > 0) yield join(small, smallBytes)
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}
