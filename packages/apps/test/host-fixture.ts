/** A host side over memory ports, with a guest that is a function: calls as a guest would make them, byte for byte. */
import {
  type AppRunOptions,
  type AppRunner,
  AppRunError,
  type HostEventName,
  type HostEventReplies,
  type HostEvents,
  type HostOperationName,
  type HostReply,
  type HostReplies,
  type HostRequests,
  type PermissionScope,
  type RunningApp,
  appLimits,
  hostEvents,
  hostOperations,
  limitNames,
  wholePayload
} from '@blocktree/app-package'
import { CanonicalReader } from '@blocktree/codec'
import { createPortableProvider } from '@blocktree/crypto/portable'
import type { AppLimits } from '@blocktree/app-package'
import {
  type AppInstance,
  type Granted,
  LockTable,
  MessageSwitch,
  QuestionDesk,
  startApp
} from '../src/index.ts'
import type { HostServices } from '../src/index.ts'
import { openKeyValueStore } from '../src/key-value-store.ts'
import type { AppLogLine, HttpPort, SocketPort } from '../src/ports.ts'
import type { AskedPermission } from '../src/grant-table.ts'
import { ManualTimers, MemoryFiles } from './memory-ports.ts'

export type GuestEvent = {
  readonly [Name in HostEventName]: { readonly event: Name; readonly request: HostEvents[Name] }
}[HostEventName]

/** What a scripted guest does with an event; what is undefined is answered with success. */
export type Guest = (event: GuestEvent, host: GuestHost) => unknown

export interface GuestHost {
  readonly process: number
  call<Name extends HostOperationName>(name: Name, request: HostRequests[Name]): Promise<Answer<Name>>
  raw(op: number, payload: Uint8Array): Promise<{ readonly status: number; readonly payload: Uint8Array }>
}

export type Answer<Name extends HostOperationName> =
  | { readonly status: 0; readonly reply: HostReplies[Name] }
  | { readonly status: number; readonly explanation: string; readonly reply?: undefined }

export interface HostFixture extends GuestHost {
  readonly app: AppInstance
  readonly files: MemoryFiles
  readonly timers: ManualTimers
  readonly lines: AppLogLine[]
  readonly services: HostServices & { readonly locks: LockTable }
  readonly events: GuestEvent[]
  /** The process ends by itself, as if it had trapped. */
  crash(): void
  start(name: string, granted: readonly Granted[], guest?: Guest): Promise<AppInstance>
}

export function filesGrant(
  name: string,
  path: string,
  rights: readonly ('read' | 'write' | 'create' | 'list' | 'remove' | 'lock')[] = [
    'read',
    'write',
    'create',
    'list',
    'remove',
    'lock'
  ],
  object: 'own' | 'folder' | 'file' = 'own'
): Granted {
  return { name, path, scope: { kind: 'files', object, rights }, isAsked: false }
}

export function grantOf(name: string, scope: PermissionScope): Granted {
  return { name, scope, isAsked: false }
}

export const everything: readonly Granted[] = [
  filesGrant('data', '/apps/notes/data/files'),
  grantOf('web', { kind: 'http-server', public: false, clientAddress: false }),
  grantOf('talk', { kind: 'messages', send: ['*'], receive: true, otherNodes: false })
]

const portable = createPortableProvider()

const noHttp: HttpPort = {
  resolve: () => Promise.reject(new Error('no names here')),
  request: () => Promise.reject(new Error('no network here'))
}
const noSockets: SocketPort = {
  resolve: () => Promise.reject(new Error('no names here')),
  connect: () => Promise.reject(new Error('no network here')),
  listen: () => Promise.reject(new Error('no network here')),
  bindUdp: () => Promise.reject(new Error('no network here'))
}

export async function openHost(
  options: {
    readonly granted?: readonly Granted[]
    /** In the manifest. */
    readonly asked?: readonly AskedPermission[]
    readonly guest?: Guest
    readonly http?: HttpPort
    readonly sockets?: SocketPort
    readonly limits?: Partial<AppLimits>
    /** What happens beside the start. */
    readonly meanwhile?: (files: MemoryFiles) => Promise<void>
  } = {}
): Promise<HostFixture> {
  const files = new MemoryFiles([
    '/apps',
    '/apps/notes',
    '/apps/notes/data',
    '/apps/notes/data/files',
    '/photos'
  ])
  const timers = new ManualTimers()
  const lines: AppLogLine[] = []
  const events: GuestEvent[] = []
  let token = 1000
  const runner = new ScriptedRunner()
  const services: HostServices & { readonly locks: LockTable } = {
    runner,
    locks: new LockTable({ timers, nextToken: () => (token += 1) }),
    messages: new MessageSwitch(),
    questions: new QuestionDesk({ timers, now: () => 0 }),
    http: options.http ?? noHttp,
    sockets: options.sockets ?? noSockets,
    timers,
    clock: { now: () => 1_700_000_000_000 },
    random: portable.random,
    log: (line) => lines.push(line)
  }
  const limits: AppLimits = { ...defaultLimits(), ...options.limits }
  const start = async (name: string, granted: readonly Granted[], guest?: Guest): Promise<AppInstance> => {
    runner.guest = guest
    const keyValues = await openKeyValueStore({
      files,
      crypto: portable,
      directory: `/apps/${name}/data/kv`,
      bytesMax: limits.stateBytes,
      onDamage: () => undefined
    })
    const instance: AppInstance = await startApp(services, {
      app: name,
      version: 3,
      reason: 'started',
      module: new Uint8Array(0),
      limits,
      asked: options.asked ?? [],
      granted,
      files,
      keyValues,
      giveBack: (gone) => {
        instance.setGrants(instance.granted.filter((one) => one.name !== gone))
        return Promise.resolve()
      }
    })
    return instance
  }
  const meanwhile = options.meanwhile?.(files)
  const app = await start('notes', options.granted ?? everything, (event, host) => {
    events.push(event)
    return options.guest?.(event, host)
  })
  await meanwhile
  const host = runner.hosts[0]
  if (host === undefined) throw new Error('the app did not start')
  return {
    app,
    files,
    timers,
    lines,
    services,
    events,
    start,
    crash: () => runner.crash(0),
    get process() {
      return host.process
    },
    call: (name, request) => host.call(name, request),
    raw: (op, payload) => host.raw(op, payload)
  }
}

function defaultLimits(): AppLimits {
  const entries = limitNames().map((name) => [name, appLimits[name].default] as const)
  const limits: Record<string, number> = Object.fromEntries(entries)
  return limits as AppLimits
}

class ScriptedRunner implements AppRunner {
  guest: Guest | undefined
  readonly hosts: GuestHost[] = []
  readonly #apps: AppRunOptions[] = []
  readonly #processes: number[] = []

  async start(options: AppRunOptions): Promise<RunningApp> {
    const guest = this.guest
    const index = this.#apps.push(options) - 1
    this.#processes[index] = 1
    const host = createGuestHost(options, () => this.#processes[index] ?? 0)
    this.hosts.push(host)
    const invoke = async (kind: number, payload: Uint8Array): Promise<Uint8Array> => {
      for (const name of Object.keys(hostEvents) as HostEventName[]) {
        if (hostEvents[name].event === kind) return await answerEvent(name, payload, guest, host)
      }
      throw new Error(`no event ${kind}`)
    }
    options.onRunEvent?.({ type: 'process-started', process: 1, pid: undefined })
    for (const { kind, payload, accept } of options.opening?.(1) ?? []) accept(await invoke(kind, payload))
    let isStopped = false
    return {
      get state() {
        return isStopped ? ('stopped' as const) : ('running' as const)
      },
      lastFailure: undefined,
      invoke: (kind, payload) => invoke(kind, payload),
      describe: () => ({
        state: 'running',
        engine: 'scripted',
        level: 'none',
        processes: [],
        queued: 0,
        invocations: 0,
        crashes: 0,
        fuelUsed: 0
      }),
      resume: () => undefined,
      stop: () => {
        isStopped = true
        return Promise.resolve()
      },
      [Symbol.asyncDispose]: () => Promise.resolve()
    }
  }

  crash(index: number): void {
    const process = this.#processes[index] ?? 0
    const cause = new AppRunError('ERR_RUN_TRAP', 'unreachable')
    this.#apps[index]?.onRunEvent?.({ type: 'process-ended', process, cause })
    this.#processes[index] = process + 1
  }
}

async function answerEvent<Name extends HostEventName>(
  name: Name,
  payload: Uint8Array,
  guest: Guest | undefined,
  host: GuestHost
): Promise<Uint8Array> {
  const { decodeRequest, encodeReply } = hostEvents[name]
  const event = { event: name, request: decodeRequest(payload) }
  const answer = await guest?.(event as GuestEvent, host)
  return encodeReply((answer ?? defaultAnswer(name)) as HostEventReplies[Name])
}

function defaultAnswer(name: HostEventName): unknown {
  if (name === 'http') return { kind: 'now', value: { status: 204, headers: [], body: { kind: 'empty' } } }
  return ['init', 'migrate', 'health'].includes(name) ? { kind: 'ok', value: undefined } : undefined
}

/** As a guest gets it. */
function joined(reply: HostReply): HostReply {
  return { status: reply.status, payload: wholePayload(reply) }
}

function createGuestHost(options: AppRunOptions, process: () => number): GuestHost {
  const { signal } = new AbortController()
  const raw: GuestHost['raw'] = async (op, payload) =>
    joined(await options.onHostCall({ op, payload, process: process(), signal }))
  return {
    raw,
    get process() {
      return process()
    },
    call: async (name, request) => {
      const operation = hostOperations[name]
      const { status, payload } = await raw(operation.op, operation.encodeRequest(request))
      if (status === 0) return { status, reply: operation.decodeReply(payload) }
      return { status, explanation: new CanonicalReader(payload).str(512) }
    }
  }
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Options of a write that goes ahead whatever is there. */
export const anything = {
  expected: { kind: 'anything' },
  token: undefined,
  mediaType: undefined
} as const

/** @returns the status */
export async function write(host: HostFixture, path: string, content: string): Promise<number> {
  return (await host.call('files.write-file', { path, content: text(content), options: anything })).status
}

/** @returns the content, or the status when there is none */
export async function read(host: HostFixture, path: string): Promise<string | number> {
  const answer = await host.call('files.read-file', { path, offset: 0, length: 1000 })
  return answer.reply === undefined ? answer.status : new TextDecoder().decode(answer.reply)
}
