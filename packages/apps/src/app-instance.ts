/**
 * One run of one installed app: its process behind the runner, its grants, what it has open. Events go in, host calls
 * come out; both are checked here (doc/spec/22-app-host.md).
 */
import {
  type AppLimits,
  type AppRunDescription,
  type AppRunEvent,
  type AppRunner,
  type AppRunState,
  type Host,
  type HostEventName,
  type HostEventReplies,
  type HostEvents,
  type OpeningEvent,
  type RunningApp,
  hostEvents
} from '@blocktree/app-package'
import type { Random } from '@blocktree/crypto'
import type { Clock } from '@blocktree/tree'
import { type AskedPermission, GrantTable, type Granted } from './grant-table.ts'
import { HandleTable } from './handle-table.ts'
import { answerHostCall } from './host-calls.ts'
import type { HandleKinds, HostContext } from './host-context.ts'
import { escapeControls } from './host/basic-calls.ts'
import { describeGrants } from './host/grant-calls.ts'
import { answerHttp, expectRequests } from './host/http-server-calls.ts'
import { Outbox, createMailbox } from './host/message-calls.ts'
import { closeIfRevoked } from './host/socket-handles.ts'
import type { AppHttpRequest, AppHttpResponse } from './http-exchange.ts'
import type { KeyValueStore } from './key-value-store.ts'
import { LogBudget } from './log-budget.ts'
import type { MessageSwitch } from './message-switch.ts'
import type { AppLogLine, FilePort, HttpPort, LockPort, SocketPort, TimerPort } from './ports.ts'
import type { QuestionDesk } from './question-desk.ts'

/** What all apps of a node share. */
export interface HostServices {
  readonly runner: AppRunner
  readonly locks: LockPort
  readonly messages: MessageSwitch
  readonly questions: QuestionDesk
  readonly http: HttpPort
  readonly sockets: SocketPort
  readonly timers: TimerPort
  readonly clock: Clock
  readonly random: Random
  readonly log: (line: AppLogLine) => void
}

export interface AppInstanceOptions {
  /** Name under which it is installed. */
  readonly app: string
  readonly version: number
  readonly reason: Host.StartReason
  /** The author's module, after it passed the policy check. */
  readonly module: Uint8Array
  /** Of it, when the node kept it. */
  readonly instrumentedModule?: Uint8Array
  readonly limits: AppLimits
  readonly asked: readonly AskedPermission[]
  readonly granted: readonly Granted[]
  /** In the name of the installation's principal. */
  readonly files: FilePort
  readonly keyValues: KeyValueStore
  /** Revokes a grant that was given when asked at run time; the table is replaced by it. */
  readonly giveBack: (name: string) => Promise<void>
  /** Of a version before, whose data is brought up before the first event. */
  readonly migrateFrom?: number
}

export interface AppFacts extends AppRunDescription {
  readonly openHandles: number
  readonly stateBytes: number
}

/** Starts the app: its module runs, and it has taken `init`. Rejects with AppRunError. */
export async function startApp(services: HostServices, options: AppInstanceOptions): Promise<AppInstance> {
  const instance = new AppInstance(services, options)
  await instance.begin()
  return instance
}

export class AppInstance {
  readonly app: string
  readonly #services: HostServices
  readonly #options: AppInstanceOptions
  readonly #budget: LogBudget
  readonly #context: HostContext
  #running: RunningApp | undefined
  /** Until the app has taken `init`. */
  #starting: Promise<RunningApp> | undefined
  #disconnect: () => void = () => undefined
  #startReason: Host.StartReason
  #migrateFrom: number | undefined

  /** Use `startApp`. */
  constructor(services: HostServices, options: AppInstanceOptions) {
    this.app = options.app
    this.#services = services
    this.#options = options
    this.#startReason = options.reason
    this.#migrateFrom = options.migrateFrom
    const { log, timers } = services
    this.#budget = new LogBudget(options.app, options.limits.logBytesPerSecond, log, timers)
    this.#context = this.#createContext()
  }

  async begin(): Promise<void> {
    const { app, module, instrumentedModule, limits } = this.#options
    this.#starting = this.#services.runner.start({
      name: app,
      module,
      ...(instrumentedModule === undefined ? {} : { instrumentedModule }),
      limits,
      opening: () => this.#opening(),
      isNeeded: (process) => this.#context.handles.isHolding(process),
      onHostCall: (call) => answerHostCall(this.#context, call),
      onLog: ({ stream, text }) => this.#logOutput(stream, text),
      onRunEvent: (event) => this.#note(event)
    })
    try {
      this.#running = await this.#starting
    } finally {
      this.#starting = undefined
    }
    this.#disconnect = this.#services.messages.connect(app, createMailbox(this.#context))
  }

  get state(): AppRunState {
    return this.#running?.state ?? 'stopped'
  }

  /** Why it is suspended or backing off. */
  get lastFailure(): string | undefined {
    return this.#running?.lastFailure?.message
  }

  /** Throws HostFailure unless the app may answer requests, or public ones. Its assets stand behind it too. */
  expectRequests(isPublic: boolean): void {
    expectRequests(this.#context, isPublic)
  }

  /** Rejects with HostFailure or AppRunError. */
  answer(request: AppHttpRequest): Promise<AppHttpResponse> {
    return answerHttp(this.#context, request)
  }

  /** undefined when the app is well, else its words. Rejects with AppRunError. */
  async health(): Promise<string | undefined> {
    return problemOf(await this.#deliver('health', {}))
  }

  /** Holds from now on, for open handles too. */
  setGrants(granted: readonly Granted[]): void {
    this.#context.grants.replace(granted)
    for (const socket of this.#context.handles.heldOf('socket')) closeIfRevoked(socket)
  }

  get granted(): readonly Granted[] {
    return this.#context.grants.list()
  }

  describe(): AppFacts | undefined {
    const facts = this.#running?.describe()
    if (facts === undefined) return undefined
    return { ...facts, openHandles: this.#context.handles.open, stateBytes: this.#context.keyValues.bytes }
  }

  /** After a suspension: forgets the crashes and lets it run again. */
  resume(): void {
    this.#running?.resume()
  }

  /** Tells the app, unless it does not run, then ends it; everything it had open is released. */
  async stop(): Promise<void> {
    this.#disconnect()
    const running = this.#running
    if (running?.state === 'running') await this.#deliver('stop', {}).catch(() => undefined)
    this.#running = undefined
    await running?.stop()
    this.#context.handles.closeAll()
    this.#context.keyValues.close()
    this.#budget.close()
  }

  #createContext(): HostContext {
    const { locks, messages, questions, http, sockets, timers, clock, random } = this.#services
    const { app, limits, granted, asked, files, keyValues, giveBack } = this.#options
    return {
      app,
      limits,
      grants: new GrantTable(granted, asked),
      handles: new HandleTable<HandleKinds>(handleLimits(limits)),
      files,
      keyValues,
      locks,
      messages,
      outbox: new Outbox(limits.messagesPerMinute),
      http,
      sockets,
      questions,
      timers,
      clock,
      random,
      startedAt: timers.monotonic(),
      log: (line) => this.#budget.write(line),
      giveBack,
      deliver: (event, request) => this.#deliver(event, request)
    }
  }

  /** What happens while the app takes `init`, to a watch that it just began or a timer, is told after it. */
  async #deliver<Name extends HostEventName>(
    name: Name,
    request: HostEvents[Name]
  ): Promise<HostEventReplies[Name]> {
    const running = this.#running ?? (await this.#starting)
    if (running === undefined) throw new Error(`app "${this.app}" does not run`)
    const { event, encodeRequest, decodeReply } = hostEvents[name]
    try {
      return decodeReply(await running.invoke(event, encodeRequest(request)))
    } catch (error) {
      this.#log(
        'error',
        `the event "${name}" failed: ${error instanceof Error ? error.message : String(error)}`
      )
      throw error
    }
  }

  /** `migrate` comes before `init`, in the first process after an upgrade. */
  #opening(): OpeningEvent[] {
    const events = [this.#initEvent()]
    const fromVersion = this.#migrateFrom
    if (fromVersion === undefined) return events
    const { event, encodeRequest, decodeReply } = hostEvents.migrate
    events.unshift({
      kind: event,
      payload: encodeRequest({ fromVersion }),
      accept: (answer) => {
        expectWell(decodeReply(answer))
        this.#migrateFrom = undefined
      }
    })
    return events
  }

  #initEvent(): OpeningEvent {
    const { event, encodeRequest, decodeReply } = hostEvents.init
    const launch: Host.Launch = {
      reason: this.#startReason,
      version: this.#options.version,
      installation: this.app,
      granted: describeGrants(this.#context.grants.list())
    }
    return {
      kind: event,
      payload: encodeRequest({ launch }),
      accept: (answer) => expectWell(decodeReply(answer))
    }
  }

  #note(event: AppRunEvent): void {
    switch (event.type) {
      case 'process-started':
        return
      case 'process-ended': {
        this.#startReason = event.cause === undefined ? 'started' : 'restarted-after-failure'
        this.#context.handles.endProcess(event.process)
        if (this.#options.limits.processes === 1) this.#context.handles.closeAll(0)
        if (event.cause !== undefined) this.#log('error', `a process ended: ${event.cause.message}`)
        return
      }
      case 'backing-off':
        return this.#log(
          'warning',
          `it crashed; the next start is in ${event.delayMs} ms: ${event.cause.message}`
        )
      case 'suspended':
        return this.#log('error', `it crashed too often and is suspended: ${event.cause.message}`)
      case 'log-dropped':
        return this.#log('warning', `${event.bytes} bytes of its log were dropped: it writes too much`)
    }
  }

  #logOutput(stream: 1 | 2, text: string): void {
    const level = stream === 1 ? 'info' : 'warning'
    for (const line of text.split('\n')) {
      if (line !== '')
        this.#budget.write({ app: this.app, level, message: escapeControls(line), source: 'app' })
    }
  }

  #log(level: Host.LogLevel, message: string): void {
    this.#services.log({ app: this.app, level, message, source: 'host' })
  }
}

function handleLimits(limits: AppLimits): Readonly<Record<keyof HandleKinds, number>> {
  return {
    file: limits.openFiles,
    lock: limits.locks,
    watch: limits.watches,
    request: limits.queuedInvokes,
    download: limits.outgoingRequests,
    message: limits.queuedInvokes,
    timer: limits.timers,
    socket: limits.sockets,
    question: limits.locks
  }
}

function problemOf(
  outcome: { readonly kind: 'ok' } | { readonly kind: 'error'; readonly value: string }
): string | undefined {
  return outcome.kind === 'ok' ? undefined : outcome.value
}

function expectWell(outcome: Parameters<typeof problemOf>[0]): void {
  const problem = problemOf(outcome)
  if (problem !== undefined) throw new Error(`the app refused to start: ${escapeControls(problem)}`)
}
