/** Bounds of the sandbox; doc/LIMITS.md is written from here. Per app: default and the most a person may allow. */
import type { AppRunLimits } from '@blocktree/app-package'

export const frameVersion = 2 // first number of both hello frames (spec 19, section 3)
export const childTextBytesMax = 1024 // texts of a child: its engine's version, the reason of a trap
export const logFrameBytesMax: number = 8 * 1024 // one piece of log; longer text is cut into several
export const frameOverheadBytes = 64 // what stands in a frame beside its payload
export const loadChunkBytesMax: number = 1024 * 1024 // a module is handed over in pieces of this
export const eventsAheadMax = 32 // sent to a process beside the one it serves, if it is the only one of its app
export const eventsAheadOfMany = 1 // to each where an app has several: what was sent cannot go to another any more
export const eventBytesAhead: number = 128 * 1024 // of payloads; the process reads as much at once
export const moduleBytesAtOnce: number = 128 * 1024 // judged and rewritten in some 10 ms; larger ones on a thread
export const moduleThreadMiB = 1024 // heap of that thread, for the largest module that may be installed
export const guestFuelMax = 50_000_000_000 // the most that one invocation may use

export const defaultRunLimits: AppRunLimits = {
  memoryBytes: 64 * 1024 * 1024,
  tableElements: 10_000,
  fuel: 2_000_000_000,
  invokeMs: 5000,
  hostCallMs: 30_000,
  payloadBytes: 1024 * 1024,
  hostCallsPerInvoke: 1000,
  hostBytesPerInvoke: 256 * 1024 * 1024,
  queuedInvokes: 128,
  logBytesPerSecond: 64 * 1024,
  processes: 1,
  idleMs: 60_000
}

export const maximumRunLimits: AppRunLimits = {
  memoryBytes: 512 * 1024 * 1024,
  tableElements: 65_536,
  fuel: guestFuelMax,
  invokeMs: 60_000,
  hostCallMs: 60_000,
  payloadBytes: 16 * 1024 * 1024,
  hostCallsPerInvoke: 100_000,
  hostBytesPerInvoke: 4 * 1024 * 1024 * 1024,
  queuedInvokes: 1024,
  logBytesPerSecond: 1024 * 1024,
  processes: 4,
  idleMs: 24 * 60 * 60 * 1000
}

/** The defaults, with what was asked for within the maxima put in their place; every bound is at least 1. */
export function clampRunLimits(asked: Partial<AppRunLimits> = {}): AppRunLimits {
  const limits = { ...defaultRunLimits, ...withoutUndefined(asked) }
  const clamp = (name: keyof AppRunLimits): number =>
    Math.max(1, Math.min(Math.floor(limits[name]), maximumRunLimits[name]))
  return {
    memoryBytes: clamp('memoryBytes'),
    tableElements: clamp('tableElements'),
    fuel: clamp('fuel'),
    invokeMs: clamp('invokeMs'),
    hostCallMs: clamp('hostCallMs'),
    payloadBytes: clamp('payloadBytes'),
    hostCallsPerInvoke: clamp('hostCallsPerInvoke'),
    hostBytesPerInvoke: clamp('hostBytesPerInvoke'),
    queuedInvokes: clamp('queuedInvokes'),
    logBytesPerSecond: clamp('logBytesPerSecond'),
    processes: clamp('processes'),
    idleMs: clamp('idleMs')
  }
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<T>
}
