/**
 * One sandbox process, seen from the node: spawned, loaded, given one invocation at a time, killed. Its frames are read
 * as those of an enemy; the first one that is malformed or out of turn ends it. Every end has one cause, an AppRunError
 * that names it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { AppRunError, type AppRunLimits, type HostCall, type HostReply } from '@blocktree/app-package'
import { delimitFrame, FrameParser } from '@blocktree/codec'
import { type ChildFrame, decodeChildFrame } from './child-frame.ts'
import { Conversation } from './conversation.ts'
import { faultCodes } from './fault-codes.ts'
import type { EngineName } from './frame-type.ts'
import { InvocationBudget } from './invocation-budget.ts'
import { frameOverheadBytes, loadChunkBytesMax } from './limits.ts'
import { LogMeter } from './log-meter.ts'
import { encodeHostReply, encodeNodeFrame } from './node-frame.ts'
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
  readonly onHostCall: (call: HostCall) => Promise<HostReply>
  readonly onLog: (stream: 1 | 2, text: string) => void
  readonly onLogDropped: (bytes: number) => void
  /** Once; `cause` is undefined when the process was stopped on purpose. */
  readonly onEnd: (cause: AppRunError | undefined) => void
}

export interface ChildInvocation {
  readonly payload: Uint8Array
  readonly fuelUsed: number
}

interface Waiting {
  readonly resolve: (result: ChildInvocation) => void
  readonly reject: (error: AppRunError) => void
}

const wasmPageBytes = 65_536
const statusMax = 0x7fff_ffff
const stderrBytesKept = 2048
const loadMs = 10_000 // from spawn to the answer of `_initialize`, on a machine under load
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
  #budget: InvocationBudget
  #waiting: Waiting | undefined
  #timer: NodeJS.Timeout | undefined
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

  get isBusy(): boolean {
    return this.#waiting !== undefined
  }

  /** @param limitMs wall clock without host calls; the process is killed then */
  invoke(kind: number, payload: Uint8Array, fuel: number, limitMs: number): Promise<ChildInvocation> {
    const id = this.#conversation.invoke()
    this.#budget = new InvocationBudget(this.#options.limits, limitMs)
    const result = this.#expectResult(limitMs)
    this.#send(encodeNodeFrame({ type: 'invoke', id, kind, payload, fuel }))
    return result
  }

  /** Kills the process; what waits for it rejects with `cause`, or ERR_RUN_STOPPED. */
  kill(cause?: AppRunError): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearTimeout(this.#timer)
    this.#process.kill('SIGKILL')
    this.#channel.destroy()
    this.#process.stderr?.destroy()
    this.#aborter.abort(cause)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(cause ?? new AppRunError('ERR_RUN_STOPPED', `app ${this.#options.name} was stopped`))
    this.#options.onEnd(cause)
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
    this.#channel.on('error', () => undefined) // what ended it is told by 'exit'
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      if (this.#stderr.length < stderrBytesKept) this.#stderr += chunk.toString('latin1', 0, stderrBytesKept)
    })
    this.#process.once('error', (error) => {
      this.kill(this.#error('ERR_RUN_CRASHED', `cannot start a process: ${error.message}`))
    })
    this.#process.once('exit', (code, signal) => this.#crashed(code, signal))
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
    return this.#expectResult(loadMs)
  }

  #expectResult(limitMs: number): Promise<ChildInvocation> {
    const { promise, resolve, reject } = Promise.withResolvers<ChildInvocation>()
    this.#waiting = { resolve, reject }
    this.#timer = setTimeout(() => this.#checkDeadline(), Math.min(limitMs, this.#options.limits.hostCallMs))
    return promise
  }

  /** One timer for both deadlines; it is set anew rather than cleared, so that a host call costs no timer. */
  #checkDeadline(): void {
    const { hostCallMs } = this.#options.limits
    const hostMs = this.#budget.hostCallMs()
    const remaining = this.#budget.remainingMs()
    if (hostMs !== undefined && hostMs >= hostCallMs) {
      this.kill(this.#error('ERR_RUN_HOST', `a host call was not answered within ${hostCallMs} ms`))
    } else if (remaining <= 0) {
      this.kill(this.#error('ERR_RUN_DEADLINE', `it was still at work after ${this.#budget.limitMs} ms`))
    } else {
      const nextMs = hostMs === undefined ? Math.min(remaining, hostCallMs) : hostCallMs - hostMs
      this.#timer = setTimeout(() => this.#checkDeadline(), Math.max(1, nextMs))
    }
  }

  #send(body: Uint8Array): void {
    if (!this.#hasEnded) this.#channel.write(delimitFrame(body))
  }

  #receive(chunk: Uint8Array): void {
    if (this.#hasEnded) return
    try {
      for (const body of this.#parser.push(chunk)) {
        if (this.#hasEnded) return
        const frame = decodeChildFrame(body, this.#options.limits.payloadBytes)
        this.#conversation.receive(frame)
        this.#handle(frame)
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      this.kill(this.#error('ERR_RUN_PROTOCOL', `its process broke the rules of frames: ${reason}`, cause))
    }
  }

  #handle(frame: ChildFrame): void {
    switch (frame.type) {
      case 'hello':
        return
      case 'result':
        return this.#settle({ payload: frame.payload.slice(), fuelUsed: frame.fuelUsed })
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
    clearTimeout(this.#timer)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(result)
  }

  #answer(op: number, payload: Uint8Array): void {
    const problem = this.#budget.beginHostCall(payload.length)
    if (problem !== undefined) {
      this.kill(this.#error('ERR_RUN_BUDGET', problem))
      return
    }
    const call = { op, payload, process: this.number, signal: this.#aborter.signal }
    Promise.try(() => this.#options.onHostCall(call)).then(
      (reply) => this.#reply(reply),
      (cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause)
        this.kill(this.#error('ERR_RUN_HOST', `the handler of host call ${op} failed: ${reason}`, cause))
      }
    )
  }

  #reply({ status, payload }: HostReply): void {
    if (this.#hasEnded) return
    const { payloadBytes } = this.#options.limits
    if (payload.length > payloadBytes) {
      this.kill(this.#error('ERR_RUN_HOST', `a reply has ${payload.length} bytes, at most ${payloadBytes}`))
      return
    }
    if (!Number.isInteger(status) || status < 0 || status > statusMax) {
      this.kill(this.#error('ERR_RUN_HOST', `a reply has status ${status}, not one from 0 to ${statusMax}`))
      return
    }
    this.#budget.endHostCall(payload.length)
    const id = this.#conversation.reply()
    this.#channel.write(encodeHostReply(id, status, payload))
  }

  #takeLog(stream: 1 | 2, text: Uint8Array): void {
    const verdict = this.#log.take(text.length, performance.now())
    if (verdict === 'flood') {
      this.kill(
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
