/**
 * One sandbox process, seen from the node: spawned, loaded, given events to serve one after another, killed. Its frames
 * are read as those of an enemy; the first one that is malformed or out of turn ends it. Every end has one cause, an
 * AppRunError that names it. What is written in one turn of the event loop goes out at its end, in one piece.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { AppRunError, type AppRunLimits, type HostCall, type HostReply } from '@blocktree/app-package'
import { delimitFrame, FrameParser } from '@blocktree/codec'
import { type ChildFrame, decodeChildFrame } from './child-frame.ts'
import { Conversation } from './conversation.ts'
import { DeadlineTimer } from './deadline-timer.ts'
import { faultCodes } from './fault-codes.ts'
import { FrameBuffer } from './frame-buffer.ts'
import type { EngineName } from './frame-type.ts'
import { InvocationBudget } from './invocation-budget.ts'
import { frameOverheadBytes, loadChunkBytesMax } from './limits.ts'
import { LogMeter } from './log-meter.ts'
import { encodeNodeFrame } from './node-frame.ts'
import { type ChildInvocation, LeftEvents, type SentEvent } from './sent-event.ts'
import type { SpawnCommand } from './spawn-command.ts'

export interface SandboxChildOptions {
  /** Of this app, from 1. */
  readonly number: number
  readonly name: string
  readonly engine: EngineName
  readonly command: SpawnCommand
  /** Path of the engine's library as the process sees it. */
  readonly library: string | undefined
  readonly seccompFilter: Uint8Array | undefined
  readonly module: Uint8Array
  readonly limits: AppRunLimits
  readonly onHostCall: (call: HostCall) => HostReply | Promise<HostReply>
  readonly onLog: (stream: 1 | 2, text: string) => void
  readonly onLogDropped: (bytes: number) => void
  /** Once; `cause` is undefined when the process was stopped on purpose. */
  readonly onEnd: (cause: AppRunError | undefined) => void
}

interface Loading {
  readonly resolve: (result: ChildInvocation) => void
  readonly reject: (error: AppRunError) => void
}

const wasmPageBytes = 65_536
const statusMax = 0x7fff_ffff
const nothing = new Uint8Array(0)
const stderrBytesKept = 2048
const loadMs = 10_000 // from spawn to the answer of `_initialize`, on a machine under load
const lastWordsMs = 1000 // from the end of a process to the end of what it wrote
const uncopiedBytesMin = 16 * 1024 // replies from here on are written from where they lie
const bytesGathered = 64 * 1024 // more than this does not wait for the end of the turn

export class SandboxChild {
  readonly number: number
  readonly #options: SandboxChildOptions
  readonly #process: ChildProcess
  readonly #channel: Duplex
  readonly #parser: FrameParser
  readonly #conversation: Conversation
  readonly #log: LogMeter
  readonly #decoders = { 1: new TextDecoder(), 2: new TextDecoder() }
  readonly #aborter = new AbortController()
  readonly #frames = new FrameBuffer()
  readonly #timer = new DeadlineTimer(() => this.#checkDeadline())
  #budget: InvocationBudget
  #loading: Loading | undefined
  /** The first is being served, the others were sent ahead. */
  #events: SentEvent[] = []
  #bytesAhead = 0
  #left: LeftEvents | undefined
  #isFlushPlanned = false
  #hasWriteFailed = false
  #stderr = ''
  #hasEnded = false

  /** `loaded` settles when the module has been instantiated. */
  static spawn(options: SandboxChildOptions): {
    readonly child: SandboxChild
    readonly loaded: Promise<ChildInvocation>
  } {
    const child = new SandboxChild(options)
    return { child, loaded: child.#load() }
  }

  private constructor(options: SandboxChildOptions) {
    this.#options = options
    this.number = options.number
    this.#conversation = new Conversation(options.engine)
    this.#parser = new FrameParser(options.limits.payloadBytes + frameOverheadBytes + 1024)
    this.#log = new LogMeter(options.limits.logBytesPerSecond)
    this.#budget = new InvocationBudget(options.limits, loadMs)
    this.#process = start(options)
    this.#channel = this.#process.stdio[3] as Duplex
    this.#listen()
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Events that it has not answered, with the one that it serves. */
  get events(): number {
    return this.#events.length
  }

  /** Bytes of their payloads. */
  get eventBytes(): number {
    return this.#bytesAhead
  }

  /** Served when all that were given before are answered. */
  give(event: SentEvent): void {
    const id = this.#conversation.invoke()
    this.#frames.addInvoke(id, event.kind, event.payload, event.fuel)
    this.#events.push(event)
    this.#bytesAhead += event.payload.length
    if (this.#events.length === 1) this.#begin(event.limitMs)
    if (this.#frames.length >= bytesGathered) this.#flush()
    else this.#flushSoon()
  }

  /**
   * Kills the process. What it serves fails with `cause`, or ERR_RUN_STOPPED; so does, once it is known how far the
   * process came, what was sent ahead.
   */
  kill(cause?: AppRunError): void {
    this.#end(cause, false)
  }

  /** Kills the process; all of its events fail at once, as begun. */
  abandon(cause?: AppRunError): void {
    this.#end(cause, true)
  }

  #end(cause: AppRunError | undefined, isFinal: boolean): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#timer.stop()
    this.#frames.clear()
    this.#process.kill('SIGKILL')
    this.#process.stderr?.destroy()
    this.#aborter.abort(cause)
    const error = cause ?? new AppRunError('ERR_RUN_STOPPED', `app ${this.#options.name} was stopped`)
    const [served, ...ahead] = this.#events.splice(0)
    this.#loading?.reject(error)
    served?.fail(error, true)
    this.#left = new LeftEvents(ahead, error)
    this.#options.onEnd(cause)
    if (isFinal || ahead.length === 0 || this.#channel.closed) this.#endLeft(!isFinal)
    else this.#afterChannel((isWhole) => this.#endLeft(isWhole))
  }

  #endLeft(isWhole: boolean): void {
    const left = this.#left
    this.#left = undefined
    this.#channel.destroy()
    left?.end(isWhole)
  }

  /** Once the socket has given everything that the process wrote; false when that is not certain. */
  #afterChannel(act: (isWhole: boolean) => void): void {
    const timer = setTimeout(() => done(false), lastWordsMs)
    const close = (): void => done(!this.#hasWriteFailed)
    const done = (isWhole: boolean): void => {
      clearTimeout(timer)
      this.#channel.off('close', close)
      act(isWhole)
    }
    this.#channel.once('close', close)
  }

  /** Resolves when the system has taken the process back. */
  async exited(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null || this.pid === undefined) return
    await new Promise<void>((resolve) => {
      this.#process.once('exit', () => resolve())
    })
  }

  #listen(): void {
    this.#channel.on('data', (chunk: Buffer) => {
      this.#receive(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))
    })
    this.#channel.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall !== 'read') this.#hasWriteFailed = true // what ended it is told by 'exit'
    })
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      if (this.#stderr.length < stderrBytesKept) this.#stderr += chunk.toString('latin1', 0, stderrBytesKept)
    })
    this.#process.once('error', (error) => {
      this.kill(this.#error('ERR_RUN_CRASHED', `cannot start a process: ${error.message}`))
    })
    this.#process.once('exit', (code, signal) => {
      if (this.#hasEnded) return
      if (this.#channel.closed) this.#crashed(code, signal)
      else this.#afterChannel(() => this.#crashed(code, signal))
    })
  }

  #load(): Promise<ChildInvocation> {
    const { engine, limits, module, library } = this.#options
    this.#send(
      encodeNodeFrame({
        type: 'hello',
        engine,
        memoryPages: Math.floor(limits.memoryBytes / wasmPageBytes),
        tableElements: limits.tableElements,
        payloadBytes: limits.payloadBytes,
        logBytesPerSecond: limits.logBytesPerSecond,
        fuel: limits.fuel,
        library
      })
    )
    for (let start = 0, sequence = 0; ; start += loadChunkBytesMax, sequence++) {
      const isLast = start + loadChunkBytesMax >= module.length
      const bytes = module.subarray(start, start + loadChunkBytesMax)
      this.#send(encodeNodeFrame({ type: 'load', sequence, isLast, bytes }))
      if (isLast) break
    }
    const { promise, resolve, reject } = Promise.withResolvers<ChildInvocation>()
    this.#loading = { resolve, reject }
    this.#begin(loadMs)
    return promise
  }

  #begin(limitMs: number): void {
    const { limits } = this.#options
    this.#budget = new InvocationBudget(limits, limitMs)
    this.#timer.within(Math.min(limitMs, limits.hostCallMs))
  }

  /** Milliseconds until it is to be looked at again. */
  #checkDeadline(): number | undefined {
    if (this.#hasEnded || (this.#loading === undefined && this.#events.length === 0)) return undefined
    const { hostCallMs } = this.#options.limits
    const hostMs = this.#budget.hostCallMs()
    const remaining = this.#budget.remainingMs()
    if (hostMs !== undefined && hostMs >= hostCallMs) {
      this.kill(this.#error('ERR_RUN_HOST', `a host call was not answered within ${hostCallMs} ms`))
      return undefined
    }
    if (remaining <= 0) {
      this.kill(this.#error('ERR_RUN_DEADLINE', `it was still at work after ${this.#budget.limitMs} ms`))
      return undefined
    }
    return hostMs === undefined ? Math.min(remaining, hostCallMs) : hostCallMs - hostMs
  }

  #send(body: Uint8Array): void {
    if (!this.#hasEnded) this.#channel.write(delimitFrame(body))
  }

  /** At the end of the turn: events of several connections go out together. */
  #flushSoon(): void {
    if (this.#isFlushPlanned) return
    this.#isFlushPlanned = true
    setImmediate(() => {
      this.#isFlushPlanned = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#frames.length > 0 && !this.#hasEnded) this.#channel.write(this.#frames.take())
  }

  #receive(chunk: Uint8Array): void {
    if (this.#hasEnded && this.#left === undefined) return
    try {
      for (const body of this.#parser.push(chunk)) {
        const frame = decodeChildFrame(body, this.#options.limits.payloadBytes)
        this.#conversation.receive(frame)
        if (!this.#hasEnded) this.#handle(frame)
        else if (frame.type === 'result') this.#left?.answer(ownResult(frame))
      }
    } catch (cause) {
      if (this.#hasEnded) this.#endLeft(false)
      const reason = cause instanceof Error ? cause.message : String(cause)
      this.abandon(this.#error('ERR_RUN_PROTOCOL', `its process broke the rules of frames: ${reason}`, cause))
    }
  }

  #handle(frame: ChildFrame): void {
    switch (frame.type) {
      case 'hello':
        return
      case 'result':
        return this.#settle(ownResult(frame))
      case 'hostCall':
        return this.#answer(frame.op, frame.payload)
      case 'log':
        return this.#takeLog(frame.stream, frame.text)
      case 'trap':
        return this.kill(this.#error(faultCodes[frame.fault], frame.message))
      default:
        frame satisfies never
    }
  }

  #settle(result: ChildInvocation): void {
    const loading = this.#loading
    this.#loading = undefined
    if (loading !== undefined) return loading.resolve(result)
    const event = this.#events.shift()
    const [next] = this.#events
    if (event === undefined) return
    this.#bytesAhead -= event.payload.length
    if (next !== undefined) this.#begin(next.limitMs)
    event.succeed(result)
  }

  #answer(op: number, payload: Uint8Array): void {
    const problem = this.#budget.beginHostCall(payload.length)
    if (problem !== undefined) {
      this.kill(this.#error('ERR_RUN_BUDGET', problem))
      return
    }
    const refuse = (cause: unknown): void => {
      const reason = cause instanceof Error ? cause.message : String(cause)
      this.kill(this.#error('ERR_RUN_HOST', `the handler of host call ${op} failed: ${reason}`, cause))
    }
    try {
      const call = { op, payload, process: this.number, signal: this.#aborter.signal }
      const reply = this.#options.onHostCall(call)
      if (reply instanceof Promise) reply.then((later) => this.#reply(later), refuse)
      else this.#reply(reply)
    } catch (cause) {
      refuse(cause)
    }
  }

  #reply({ status, payload, rest = nothing }: HostReply): void {
    if (this.#hasEnded) return
    const { payloadBytes } = this.#options.limits
    const bytes = payload.length + rest.length
    if (bytes > payloadBytes) {
      this.kill(this.#error('ERR_RUN_HOST', `a reply has ${bytes} bytes, at most ${payloadBytes}`))
      return
    }
    if (!Number.isInteger(status) || status < 0 || status > statusMax) {
      this.kill(this.#error('ERR_RUN_HOST', `a reply has status ${status}, not one from 0 to ${statusMax}`))
      return
    }
    this.#budget.endHostCall(bytes)
    const id = this.#conversation.reply()
    if (bytes < uncopiedBytesMin) {
      this.#frames.addHostReply(id, status, payload, rest)
      this.#flush()
    } else if (rest.length === 0) this.#sendUncopied(id, status, nothing, payload)
    else this.#sendUncopied(id, status, payload, rest)
  }

  /** One write of two pieces: a copy of blocks costs less than the room for it, which is collected again and again. */
  #sendUncopied(id: number, status: number, copied: Uint8Array, uncopied: Uint8Array): void {
    this.#frames.addHostReplyBeginning(id, status, copied, uncopied.length)
    this.#channel.cork()
    this.#flush()
    this.#channel.write(uncopied)
    this.#channel.uncork()
  }

  #takeLog(stream: 1 | 2, text: Uint8Array): void {
    const verdict = this.#log.take(text.length, performance.now())
    if (verdict === 'flood') {
      this.abandon(
        this.#error('ERR_RUN_PROTOCOL', 'its process floods the log past the limit that it was given')
      )
    } else if (verdict === 'drop') this.#options.onLogDropped(text.length)
    else this.#options.onLog(stream, this.#decoders[stream].decode(text, { stream: true }))
  }

  #crashed(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#hasEnded) return
    const how = signal === null ? `ended with status ${code ?? 'unknown'}` : `was ended by ${signal}`
    const first = this.#stderr.split('\n').find((line) => line.trim() !== '')
    const reason = first === undefined ? '' : `: ${printable(first)}`
    this.kill(this.#error('ERR_RUN_CRASHED', `its process ${how} while ${this.#conversation.turn}${reason}`))
  }

  #error(code: AppRunError['code'], reason: string, cause?: unknown): AppRunError {
    return new AppRunError(code, `app ${this.#options.name}: ${printable(reason)}`, { cause })
  }
}

/** The payload was a view of what was read. */
function ownResult({ payload, fuelUsed }: ChildInvocation): ChildInvocation {
  return { payload: payload.slice(), fuelUsed }
}

function start({ command, seccompFilter }: SandboxChildOptions): ChildProcess {
  const withFilter = command.filterDescriptor !== undefined
  const child = spawn(command.file, [...command.arguments], {
    env: {},
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', ...(withFilter ? (['pipe'] as const) : [])]
  })
  if (withFilter) {
    const pipe = child.stdio[command.filterDescriptor ?? 0] as Duplex
    pipe.on('error', () => undefined)
    pipe.end(seccompFilter)
  }
  return child
}

/** Text of a hostile process, safe in a terminal and in a log of lines. */
function printable(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e\u00a0-\ud7ff\ue000-\uffef]/g, '?').slice(0, 300)
}
