/** What the handlers of host calls work with: one per run of one installation. */
import type {
  AppLimits,
  HostEventName,
  HostEventReplies,
  HostEvents,
  HostOperationName,
  HostReplies,
  HostRequests
} from '@blocktree/app-package'
import type { Clock } from '@blocktree/tree'
import type { Random } from '@blocktree/crypto'
import type { GrantTable } from './grant-table.ts'
import type { HandleTable, Held } from './handle-table.ts'
import type { HttpExchange } from './http-exchange.ts'
import type { KeyValueStore } from './key-value-store.ts'
import type { MessageSwitch } from './message-switch.ts'
import type { OpenFile } from './open-file.ts'
import type { AppLogLine, FilePort, HttpPort, Lease, LockPort, SocketPort, TimerPort } from './ports.ts'
import type { QuestionDesk } from './question-desk.ts'
import type { Outbox } from './host/message-calls.ts'
import type { HeldSocket } from './host/socket-handles.ts'

/** Kinds of things that an app can have open. */
export interface HandleKinds extends Readonly<Record<string, Held>> {
  readonly file: OpenFile
  readonly lock: HeldLock
  readonly watch: Held
  readonly request: HttpExchange
  readonly download: HeldDownload
  readonly message: HeldMessage
  readonly timer: Held
  readonly socket: HeldSocket
  readonly question: Held
}

export interface HeldLock extends Held {
  renew(ttlMs: number): Promise<Pick<Lease, 'token' | 'ttlMs'>>
  /** Name of the grant, asked again at every renewal. */
  readonly grant: string
}

export interface HeldDownload extends Held {
  read(length: number): Promise<{ readonly content: Uint8Array; readonly last: boolean }>
}

export interface HeldMessage extends Held {
  reply(content: Uint8Array): void
}

export interface HostContext {
  /** Name under which the app is installed. */
  readonly app: string
  readonly limits: AppLimits
  readonly grants: GrantTable
  readonly handles: HandleTable<HandleKinds>
  readonly files: FilePort
  readonly keyValues: KeyValueStore
  readonly locks: LockPort
  readonly messages: MessageSwitch
  readonly outbox: Outbox
  readonly http: HttpPort
  readonly sockets: SocketPort
  readonly questions: QuestionDesk
  readonly timers: TimerPort
  readonly clock: Clock
  readonly random: Random
  /** `TimerPort.monotonic` at the start of this run. */
  readonly startedAt: number
  readonly log: (line: AppLogLine) => void
  /** Revokes a grant that was given when asked at run time. */
  readonly giveBack: (name: string) => Promise<void>
  /** Hands an event to the app; rejects with AppRunError. */
  readonly deliver: <Name extends HostEventName>(
    event: Name,
    request: HostEvents[Name]
  ) => Promise<HostEventReplies[Name]>
}

/** Of one call. */
export interface CallContext extends HostContext {
  readonly process: number
  /** Aborted when the process is gone or its time for the call is over. */
  readonly signal: AbortSignal
}

export type Handler<Name extends HostOperationName> = (
  request: HostRequests[Name],
  call: CallContext
) => HostReplies[Name] | Promise<HostReplies[Name]>

/** Handlers of the operations whose names begin with `<Group>.` */
export type HandlerGroup<Group extends string> = {
  readonly [Name in Extract<HostOperationName, `${Group}.${string}`>]: Handler<Name>
}
