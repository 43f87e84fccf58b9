/**
 * The port behind which an app runs. `apps` decides what an app may do and answers its calls; a runner keeps the app's
 * code away from everything else: `@blocktree/sandbox` in child processes, `@blocktree/sandbox/memory` for tests.
 * Payloads are opaque bytes to a runner: it decodes none of them and decides no permission.
 */

export interface AppRunner {
  /**
   * Takes over a module that passed the policy check; resolves once one process has instantiated it and run its
   * `_initialize`. Rejects with AppRunError (ERR_RUN_MODULE, ERR_RUN_LEVEL, or whatever ended the first process).
   */
  start(options: AppRunOptions): Promise<RunningApp>
}

export interface AppRunOptions {
  /** Names the app in messages and process titles; never interpreted. */
  readonly name: string
  /** The author's module, unchanged. */
  readonly module: Uint8Array
  /** What `instrumentModule` of wasm-module made of it, when the caller kept it; made here when absent. */
  readonly instrumentedModule?: Uint8Array
  /** What is absent takes its default. */
  readonly limits?: Partial<AppRunLimits>
  /**
   * Answers one host call; at once where nothing is to be waited for. The runner copies nothing: `payload` belongs to
   * the handler until the call is answered. An error or a rejection ends the process that called (ERR_RUN_HOST), so
   * expected refusals are answered with a status.
   */
  onHostCall(call: HostCall): HostReply | Promise<HostReply>
  /** First events of every process, handed to it in this order before any other. */
  opening?(process: number): readonly OpeningEvent[]
  /** True for a process that is to be kept though it is idle, because something is open in it. */
  isNeeded?(process: number): boolean
  /** One piece of text of the guest's stdout (1) or stderr (2), already bounded by `logBytesPerSecond`. */
  onLog?(entry: AppLogEntry): void
  /** Processes that began and ended, back-off, suspension; for the log and for releasing what a process held. */
  onRunEvent?(event: AppRunEvent): void
}

export interface OpeningEvent {
  readonly kind: number
  readonly payload: Uint8Array
  /** Given the answer; throws when the process is not to be used, which counts as a crash (ERR_RUN_OPENING). */
  readonly accept: (answer: Uint8Array) => void
}

/** Bounds of one running app; bytes, milliseconds, counts. */
export interface AppRunLimits {
  readonly memoryBytes: number
  readonly tableElements: number
  /** Fuel of one invocation, and of instantiation with `_initialize`. */
  readonly fuel: number
  /** Wall clock of one invocation without the time spent in host calls; the process is killed then. */
  readonly invokeMs: number
  readonly hostCallMs: number
  /** Longest payload in either direction. */
  readonly payloadBytes: number
  readonly hostCallsPerInvoke: number
  /** Sum of payloads of host calls and replies in one invocation. */
  readonly hostBytesPerInvoke: number
  /** Invocations waiting for their turn, here or in a process; more are refused with ERR_RUN_QUEUE_FULL. */
  readonly queuedInvokes: number
  readonly logBytesPerSecond: number
  readonly processes: number
  /** A process that waited so long is stopped; the next invocation starts another. */
  readonly idleMs: number
}

export interface HostCall {
  readonly op: number
  readonly payload: Uint8Array
  /** Of this app, from 1, never used twice: what the call acquires is released when this process ends. */
  readonly process: number
  /** Aborted when the process is gone or `hostCallMs` are over; the answer is dropped then. */
  readonly signal: AbortSignal
}

export interface HostReply {
  /** 0 to 2^31-1; the guest sees it in the high half of the call's result. */
  readonly status: number
  readonly payload: Uint8Array
  /** Long bytes that go on behind `payload`, as one with it. They are sent from where they lie and may not change. */
  readonly rest?: Uint8Array
}

/** The whole payload of a reply, in one piece. */
export function wholePayload({ payload, rest }: HostReply): Uint8Array {
  if (rest === undefined) return payload
  const whole = new Uint8Array(payload.length + rest.length)
  whole.set(payload)
  whole.set(rest, payload.length)
  return whole
}

export interface AppLogEntry {
  readonly stream: 1 | 2
  readonly text: string
  readonly process: number
}

export type AppRunEvent =
  | { readonly type: 'process-started'; readonly process: number; readonly pid: number | undefined }
  | {
      readonly type: 'process-ended'
      readonly process: number
      /** Absent when it was stopped on purpose (idle, stop, restart). */
      readonly cause: AppRunError | undefined
    }
  | { readonly type: 'backing-off'; readonly delayMs: number; readonly cause: AppRunError }
  | { readonly type: 'suspended'; readonly cause: AppRunError }
  | { readonly type: 'log-dropped'; readonly process: number; readonly bytes: number }

export interface InvokeOptions {
  /** At most the app's own `fuel`. */
  readonly fuel?: number
  /** At most the app's own `invokeMs`. */
  readonly deadlineMs?: number
  /** Takes a waiting invocation out of the queue, and kills the process of one that runs. */
  readonly signal?: AbortSignal
}

export interface RunningApp extends AsyncDisposable {
  readonly state: AppRunState
  /** The crash that led to `suspended` or `backing-off`. */
  readonly lastFailure: AppRunError | undefined
  /**
   * Hands one event to the guest and resolves to its answer, which the caller owns. Waits in a bounded queue while all
   * processes are busy, or is sent ahead to one of them; then it is given to another process if that one ends before the
   * event's turn. No event is begun twice. Rejects with AppRunError.
   */
  invoke(kind: number, payload: Uint8Array, options?: InvokeOptions): Promise<Uint8Array>
  /** Facts for `status`. */
  describe(): AppRunDescription
  /** Leaves `suspended` and forgets earlier crashes. */
  resume(): void
  /** Kills every process; waiting and running invocations reject with ERR_RUN_STOPPED. */
  stop(): Promise<void>
}

export type AppRunState =
  | 'running' // at least one process is ready or busy
  | 'idle' // no process; the next invocation starts one
  | 'backing-off' // crashed; the next process starts after a delay
  | 'suspended' // crashed too often; `resume` is needed
  | 'stopped'

export interface AppRunDescription {
  readonly state: AppRunState
  readonly engine: string
  /** How strongly the processes are confined, `none` for the memory runner. */
  readonly level: string
  readonly processes: readonly {
    readonly process: number
    readonly pid: number | undefined
    readonly isBusy: boolean
  }[]
  readonly queued: number
  readonly invocations: number
  readonly crashes: number
  readonly fuelUsed: number
}

export type AppRunErrorCode =
  | 'ERR_RUN_MODULE' // the module does not compile, link or speak this interface
  | 'ERR_RUN_TRAP' // the guest trapped (unreachable, out of bounds, stack, …)
  | 'ERR_RUN_FUEL' // the guest used up its fuel
  | 'ERR_RUN_DEADLINE' // the wall clock ran out; the process was killed
  | 'ERR_RUN_EXIT' // the guest ended itself
  | 'ERR_RUN_OPENING' // the guest refused its first event
  | 'ERR_RUN_BUDGET' // more host calls, or bytes in them, than one invocation may use
  | 'ERR_RUN_PAYLOAD' // a payload is longer than the limit
  | 'ERR_RUN_HOST' // a host call was not answered in time, or its handler failed
  | 'ERR_RUN_PROTOCOL' // the process broke the rules of the frames
  | 'ERR_RUN_CRASHED' // the process ended by itself
  | 'ERR_RUN_QUEUE_FULL' // too many invocations are waiting
  | 'ERR_RUN_SUSPENDED' // crashed too often
  | 'ERR_RUN_STOPPED' // the app was stopped
  | 'ERR_RUN_CANCELLED' // the caller gave up
  | 'ERR_RUN_LEVEL' // the machine cannot confine processes as strongly as required

export class AppRunError extends Error {
  override readonly name = 'AppRunError'
  readonly code: AppRunErrorCode
  constructor(code: AppRunErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
