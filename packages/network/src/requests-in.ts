/** Requests and events of the peer: held until somebody serves, bounded, with deadlines and cancellation. */
import { describeFailure } from './failure.ts'
import { type EventFrame, frameType, type RequestFrame } from './frame.ts'
import type { Channel } from './channel.ts'
import { answerQueueBytesMax, bodyBytesMax, eventQueueBytesMax, refuseQueueBytesMax } from './limits.ts'
import { NetworkError } from './network-error.ts'
import type { Connection, ConnectionHandlers, RequestContext } from './port.ts'
import type { Timers } from './timers.ts'

export interface RequestsInOptions {
  readonly channel: Channel
  readonly timers: Timers
  readonly connection: Connection
  readonly requestsMax: number
  readonly requestBytesMax: number
  /** In its place until `trust`, when it is less. */
  readonly strangerRequestBytesMax: number
}

const heldEventsMax = 4096
const deadlineStepMs = 10 // deadlines are looked at so often at most

export class RequestsIn {
  readonly #options: RequestsInOptions
  readonly #running = new Map<number, IncomingRequest>()
  /** Handlers that have not returned, also of requests that were given up, and the bytes of their bodies. */
  #unfinished = 0
  #bytes = 0
  #bytesMax: number
  #handlers: ConnectionHandlers | undefined
  #held: (RequestFrame | EventFrame)[] = []
  #heldEvents = 0
  #heldBytes = 0
  #stopTimer: (() => void) | undefined
  #timerMs = Infinity
  #isOver = false
  count = 0

  constructor(options: RequestsInOptions) {
    this.#options = options
    this.#bytesMax = Math.min(options.requestBytesMax, options.strangerRequestBytesMax)
  }

  /** Its peer has rights here. */
  trust(): void {
    this.#bytesMax = this.#options.requestBytesMax
  }

  get size(): number {
    return this.#running.size
  }

  serve(handlers: ConnectionHandlers): void {
    this.#handlers = handlers
    const held = this.#held
    this.#held = []
    for (const frame of held) {
      if (this.#isOver) return
      if (frame.type === frameType.event) this.#deliver(handlers, frame)
      else this.#run(handlers, frame.id, frame)
    }
  }

  event(frame: EventFrame): void {
    if (this.#handlers !== undefined) {
      this.#deliver(this.#handlers, frame)
      return
    }
    this.#heldEvents++
    this.#heldBytes += frame.body.length
    if (this.#heldEvents > heldEventsMax || this.#heldBytes > eventQueueBytesMax) {
      throw new NetworkError('ERR_NETWORK_PROTOCOL', 'events beyond what is held before somebody serves')
    }
    this.#held.push(frame)
  }

  request(frame: RequestFrame): void {
    const { id, timeoutMs, body } = frame
    const { channel, timers, requestsMax, connection } = this.#options
    if (this.#running.has(id)) throw new NetworkError('ERR_NETWORK_PROTOCOL', `request ${id} is under way`)
    this.count++
    const isFull = this.#unfinished >= requestsMax || this.#bytes + body.length > this.#bytesMax
    if (isFull || channel.queuedBytes > refuseQueueBytesMax) {
      const message = `${this.#unfinished} requests with ${this.#bytes} bytes are under way`
      channel.send({ type: frameType.error, id, code: 'ERR_NETWORK_BUSY', message })
      return
    }
    this.#unfinished++
    this.#bytes += body.length
    const readMs = timers.now()
    this.#running.set(id, new IncomingRequest(connection, timers, readMs + timeoutMs))
    this.#arm(readMs + timeoutMs, readMs)
    if (this.#handlers === undefined) this.#held.push(frame)
    else this.#run(this.#handlers, id, frame)
  }

  cancel(id: number): void {
    const request = this.#running.get(id)
    if (request === undefined) return
    this.#running.delete(id)
    request.abort()
  }

  end(): void {
    this.#isOver = true
    this.#stopTimer?.()
    this.#held = []
    for (const id of this.#running.keys()) this.cancel(id)
  }

  #deliver(handlers: ConnectionHandlers, frame: EventFrame): void {
    const { connection, channel } = this.#options
    try {
      handlers.event(frame.name, frame.body, connection)
    } catch {
      channel.destroy(`event "${frame.name}" could not be taken`)
    }
  }

  #run(handlers: ConnectionHandlers, id: number, { method, body }: RequestFrame): void {
    const request = this.#running.get(id)
    if (request === undefined) {
      this.#finished(body.length) // given up before somebody served
      return
    }
    let answer: Promise<Uint8Array>
    try {
      answer = handlers.request(method, body, request)
    } catch (error) {
      this.#refuse(id, request, body.length, error)
      return
    }
    answer.then(
      (answered) => this.#answer(id, request, body.length, answered),
      (error: unknown) => this.#refuse(id, request, body.length, error)
    )
  }

  #answer(id: number, request: IncomingRequest, bytes: number, body: Uint8Array): void {
    if (body.length > bodyBytesMax) {
      const message = `the answer has ${body.length} bytes; at most ${bodyBytesMax} are sent`
      this.#refuse(id, request, bytes, new NetworkError('ERR_NETWORK_TOO_LONG', message))
      return
    }
    const { channel } = this.#options
    if (channel.queuedBytes + body.length > answerQueueBytesMax) {
      const message = 'too many bytes of answers wait to be read'
      this.#refuse(id, request, bytes, new NetworkError('ERR_NETWORK_BUSY', message))
      return
    }
    this.#finished(bytes)
    if (this.#running.get(id) !== request) return
    this.#running.delete(id)
    channel.send({ type: frameType.answer, id, body })
  }

  #refuse(id: number, request: IncomingRequest, bytes: number, error: unknown): void {
    this.#finished(bytes)
    if (this.#running.get(id) !== request) return
    this.#running.delete(id)
    this.#options.channel.send({ type: frameType.error, id, ...describeFailure(error) })
  }

  #finished(bytes: number): void {
    this.#unfinished--
    this.#bytes -= bytes
  }

  #arm(deadlineMs: number, nowMs: number): void {
    if (deadlineMs >= this.#timerMs) return
    this.#stopTimer?.()
    this.#timerMs = deadlineMs
    const waitMs = Math.max(deadlineMs - nowMs, deadlineStepMs)
    this.#stopTimer = this.#options.timers.start(waitMs, () => this.#expire())
  }

  /** The asking side has given up by its own clock, so nothing is answered. */
  #expire(): void {
    this.#timerMs = Infinity
    this.#stopTimer = undefined
    const now = this.#options.timers.now()
    let next = Infinity
    for (const [id, { deadlineMs }] of this.#running) {
      if (deadlineMs > now) next = Math.min(next, deadlineMs)
      else this.cancel(id)
    }
    if (next < Infinity) this.#arm(next, now)
  }
}

/** Its signal is made when somebody asks for it: most handlers do not. */
class IncomingRequest implements RequestContext {
  readonly connection: Connection
  readonly deadlineMs: number
  readonly remainingMs: number
  #controller: AbortController | undefined
  #isAborted = false

  constructor(connection: Connection, timers: Timers, deadlineMs: number) {
    this.connection = connection
    this.deadlineMs = deadlineMs
    this.remainingMs = deadlineMs - timers.now()
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isAborted) this.#controller.abort()
    }
    return this.#controller.signal
  }

  abort(): void {
    this.#isAborted = true
    this.#controller?.abort()
  }
}
