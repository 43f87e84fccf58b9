/**
 * A forwarder of TCP on loopback that stands in front of a node and does what networks do: it cuts, keeps silent, delays,
 * narrows, breaks connections off and leaves them half open. Which fault a connection meets depends on who opened it.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { HarnessError } from './harness-error.ts'

export interface Fault {
  /** Connections are ended at once and new ones refused. */
  readonly isCut?: boolean
  /** Nothing passes and nothing ends; what was held back passes when the fault ends. */
  readonly isSilent?: boolean
  /** The side of the node is gone, and the one who dialled is not told. */
  readonly isHalfOpen?: boolean
  /** Each way, for every piece. */
  readonly delayMs?: number
  /** Each way. */
  readonly bytesPerSecond?: number
  /** A connection breaks after so many bytes, both ways together, counted from its beginning. */
  readonly dropAfterBytes?: number
}

export interface FaultProxyOptions {
  /** Of the node on 127.0.0.1. */
  readonly targetPort: number
  /** The fault of a connection now; asked with its local port on the side of the dialler. Default: none. */
  readonly faultOf?: (diallerPort: number) => Fault
}

export interface FaultProxy extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number
  /** Connections that were let through so far. */
  readonly connections: number
  /** Passed so far, both ways together. */
  readonly bytes: number
  /** Faults have changed: looks at all connections again. */
  refresh(): void
  close(): Promise<void>
}

const none: Fault = {}

/** ERR_HARNESS_START when there is no port. */
export async function createFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new Proxy(options)
  await proxy.listen()
  return proxy
}

class Proxy implements FaultProxy {
  readonly #options: FaultProxyOptions
  readonly #server: Server
  readonly #passages = new Set<Passage>()
  port = 0
  connections = 0
  bytes = 0

  constructor(options: FaultProxyOptions) {
    this.#options = options
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', resolve)
    })
    const address = this.#server.address()
    if (address === null || typeof address === 'string')
      throw new HarnessError('ERR_HARNESS_START', 'the fault proxy has no port')
    this.port = address.port
  }

  refresh(): void {
    for (const passage of this.#passages) passage.refresh()
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()))
    for (const passage of this.#passages) passage.end()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(dialler: Socket): void {
    const diallerPort = dialler.remotePort ?? 0
    const { faultOf = () => none, targetPort } = this.#options
    if (faultOf(diallerPort).isCut === true) {
      dialler.on('error', () => undefined).resetAndDestroy()
      return
    }
    this.connections++
    const passage = new Passage(dialler, {
      targetPort,
      fault: () => faultOf(diallerPort),
      onBytes: (count) => (this.bytes += count),
      onEnd: () => this.#passages.delete(passage)
    })
    this.#passages.add(passage)
    passage.refresh()
  }
}

interface PassageOptions {
  readonly targetPort: number
  readonly fault: () => Fault
  readonly onBytes: (count: number) => void
  readonly onEnd: () => void
}

/** One connection and its continuation to the node. */
class Passage {
  readonly #dialler: Socket
  readonly #target: Socket
  readonly #options: PassageOptions
  readonly #lanes: readonly Lane[]
  #bytes = 0
  #isEnded = false

  constructor(dialler: Socket, options: PassageOptions) {
    this.#dialler = dialler
    this.#options = options
    this.#target = connect({
      host: '127.0.0.1',
      port: options.targetPort,
      noDelay: true,
      allowHalfOpen: true
    })
    const lane = (from: Socket, to: Socket): Lane =>
      new Lane(from, to, { fault: options.fault, onPassed: (count) => this.#count(count) })
    this.#lanes = [lane(dialler, this.#target), lane(this.#target, dialler)]
    for (const socket of [dialler, this.#target]) {
      socket.on('error', () => undefined) // `close` follows, and tells
      socket.on('close', () => this.#closed())
    }
  }

  refresh(): void {
    const fault = this.#options.fault()
    if (fault.isCut === true) return this.end()
    if (fault.isHalfOpen === true) {
      this.#target.destroy()
      this.#dialler.resume() // what comes is taken and thrown away
      return
    }
    if (this.#target.destroyed) return this.end() // it was half open
    for (const lane of this.#lanes) lane.refresh()
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    for (const lane of this.#lanes) lane.end()
    this.#dialler.resetAndDestroy()
    this.#target.resetAndDestroy()
    this.#options.onEnd()
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    this.#options.onBytes(bytes)
    if (this.#bytes > (this.#options.fault().dropAfterBytes ?? Infinity)) this.end()
  }

  #closed(): void {
    const { isHalfOpen, isSilent } = this.#options.fault()
    if (isHalfOpen === true && !this.#dialler.destroyed) return
    if (isSilent === true) return // the news of it does not pass either
    this.end()
  }
}

interface LaneOptions {
  readonly fault: () => Fault
  readonly onPassed: (bytes: number) => void
}

/** One way of a passage: one piece at a time, so that what cannot pass is not read either. */
class Lane {
  readonly #from: Socket
  readonly #to: Socket
  readonly #options: LaneOptions
  readonly #held: Buffer[] = []
  #timer: NodeJS.Timeout | undefined
  #isInputEnded = false

  constructor(from: Socket, to: Socket, options: LaneOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
    from.on('data', (chunk: Buffer) => {
      if (options.fault().isHalfOpen === true) return
      from.pause()
      this.#held.push(chunk)
      this.refresh()
    })
    from.on('end', () => {
      this.#isInputEnded = true
      this.refresh()
    })
  }

  /** Passes on what may pass now. */
  refresh(): void {
    const { isSilent, isHalfOpen, delayMs = 0, bytesPerSecond = 0 } = this.#options.fault()
    if (isSilent === true || isHalfOpen === true || this.#timer !== undefined) return
    const [piece] = this.#held
    if (piece === undefined) {
      if (this.#isInputEnded) this.#to.end()
      else this.#from.resume()
      return
    }
    const waitMs = delayMs + (bytesPerSecond === 0 ? 0 : (piece.length / bytesPerSecond) * 1000)
    if (waitMs === 0) return this.#pass()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const { isSilent: isSilentNow, isHalfOpen: isHalfOpenNow } = this.#options.fault()
      if (isSilentNow !== true && isHalfOpenNow !== true) this.#pass()
    }, waitMs)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#held.length = 0
  }

  #pass(): void {
    const piece = this.#held.shift()
    if (piece === undefined || this.#to.destroyed) return
    this.#to.write(piece, () => this.refresh())
    this.#options.onPassed(piece.length)
  }
}
