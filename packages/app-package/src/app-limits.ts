/**
 * What one installation may use: default, and the most that a manifest may ask for. Requested limits stand in the
 * manifest and in the grant by their code, which never changes (doc/spec/17-app-package.md, section 5).
 */
import type { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { PackageError } from './package-error.ts'

const kibi = 1024
const mebi = 1024 * kibi

export interface AppLimitRow {
  /** Stands for the limit in signed bytes. */
  readonly code: number
  readonly default: number
  readonly max: number
  readonly unit: 'bytes' | 'milliseconds' | 'count' | 'fuel'
  /** What it bounds, for the person who grants it: "memory". */
  readonly words: string
}

export type AppLimitName =
  | 'moduleBytes'
  | 'memoryBytes'
  | 'tableElements'
  | 'fuel'
  | 'invokeMs'
  | 'hostCallMs'
  | 'payloadBytes'
  | 'hostCallsPerInvoke'
  | 'hostBytesPerInvoke'
  | 'queuedInvokes'
  | 'logBytesPerSecond'
  | 'processes'
  | 'idleMs'
  | 'outgoingRequests'
  | 'locks'
  | 'watches'
  | 'timers'
  | 'openFiles'
  | 'sockets'
  | 'messagesPerMinute'
  | 'stateBytes'
  | 'storageBytes'

export type AppLimitTable = Readonly<Record<AppLimitName, AppLimitRow>>
export type AppLimits = Readonly<Record<AppLimitName, number>>
export type RequestedLimits = Readonly<Partial<Record<AppLimitName, number>>>

export const appLimits: AppLimitTable = {
  moduleBytes: row(1, 8 * mebi, 32 * mebi, 'bytes', 'program size'),
  memoryBytes: row(2, 64 * mebi, 512 * mebi, 'bytes', 'memory'),
  tableElements: row(3, 10_000, 65_536, 'count', 'function table entries'),
  fuel: row(4, 2_000_000_000, 50_000_000_000, 'fuel', 'computation per event'),
  invokeMs: row(5, 5000, 60_000, 'milliseconds', 'time per event'),
  hostCallMs: row(6, 30_000, 60_000, 'milliseconds', 'time per call of the node'),
  payloadBytes: row(7, mebi, 16 * mebi, 'bytes', 'size of one call'),
  hostCallsPerInvoke: row(8, 1000, 100_000, 'count', 'calls of the node per event'),
  hostBytesPerInvoke: row(9, 64 * mebi, 1024 * mebi, 'bytes', 'bytes in calls per event'),
  queuedInvokes: row(10, 128, 1024, 'count', 'waiting events'),
  logBytesPerSecond: row(11, 64 * kibi, mebi, 'bytes', 'log per second'),
  processes: row(12, 1, 4, 'count', 'processes'),
  idleMs: row(13, 300_000, 86_400_000, 'milliseconds', 'time kept waiting without work'),
  outgoingRequests: row(14, 6, 64, 'count', 'HTTP requests at once'),
  locks: row(15, 16, 256, 'count', 'locks at once'),
  watches: row(16, 256, 1024, 'count', 'watched places'),
  timers: row(17, 64, 1024, 'count', 'timers'),
  openFiles: row(18, 64, 1024, 'count', 'open files'),
  sockets: row(19, 16, 256, 'count', 'sockets'),
  messagesPerMinute: row(20, 600, 60_000, 'count', 'messages per minute'),
  stateBytes: row(21, 16 * mebi, 256 * mebi, 'bytes', 'private key-value store'),
  storageBytes: row(22, 1024 * mebi, 1024 * 1024 * mebi, 'bytes', 'storage for its own files')
}

function row(
  code: number,
  byDefault: number,
  max: number,
  unit: AppLimitRow['unit'],
  words: string
): AppLimitRow {
  return { code, default: byDefault, max, unit, words }
}

const names: ReadonlyMap<number, AppLimitName> = new Map(
  limitNames().map((name) => [appLimits[name].code, name])
)

/** In the order of their codes. */
export function limitNames(): AppLimitName[] {
  return Object.keys(appLimits).filter(isLimitName)
}

export function isLimitName(name: string): name is AppLimitName {
  return Object.hasOwn(appLimits, name)
}

/** Every limit: the granted value where there is one, else the default. */
export function effectiveLimits(granted: RequestedLimits): AppLimits {
  const value = (name: AppLimitName): number => granted[name] ?? appLimits[name].default
  return {
    moduleBytes: value('moduleBytes'),
    memoryBytes: value('memoryBytes'),
    tableElements: value('tableElements'),
    fuel: value('fuel'),
    invokeMs: value('invokeMs'),
    hostCallMs: value('hostCallMs'),
    payloadBytes: value('payloadBytes'),
    hostCallsPerInvoke: value('hostCallsPerInvoke'),
    hostBytesPerInvoke: value('hostBytesPerInvoke'),
    queuedInvokes: value('queuedInvokes'),
    logBytesPerSecond: value('logBytesPerSecond'),
    processes: value('processes'),
    idleMs: value('idleMs'),
    outgoingRequests: value('outgoingRequests'),
    locks: value('locks'),
    watches: value('watches'),
    timers: value('timers'),
    openFiles: value('openFiles'),
    sockets: value('sockets'),
    messagesPerMinute: value('messagesPerMinute'),
    stateBytes: value('stateBytes'),
    storageBytes: value('storageBytes')
  }
}

/** `[[code, value]…]`, codes ascending. ERR_PACKAGE_LIMIT for a value that may not be asked for. */
export function writeLimits(writer: CanonicalWriter, limits: RequestedLimits): void {
  const rows = limitNames().flatMap((name) => {
    const value = limits[name]
    return value === undefined ? [] : [{ name, value }]
  })
  writer.array(rows.length)
  for (const { name, value } of rows) {
    checkLimit(name, value)
    writer.array(2).uint(appLimits[name].code).uint(value)
  }
}

export function readLimits(reader: CanonicalReader): RequestedLimits {
  const limits: Partial<Record<AppLimitName, number>> = {}
  const count = reader.array(names.size)
  let previous = 0
  for (let index = 0; index < count; index++) {
    reader.arrayOf(2)
    const code = reader.uint(0xff)
    const value = reader.uint()
    const name = names.get(code)
    if (name === undefined || code <= previous) {
      throw new PackageError('ERR_PACKAGE_LIMIT', `limit ${code} is unknown, out of order or there twice`)
    }
    checkLimit(name, value)
    limits[name] = value
    previous = code
  }
  return limits
}

function checkLimit(name: AppLimitName, value: number): void {
  const { max } = appLimits[name]
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return
  throw new PackageError('ERR_PACKAGE_LIMIT', `limit ${name} of ${value} is not between 1 and ${max}`)
}

/** "64 MiB", "5 s", "1,000". */
export function formatLimit(name: AppLimitName, value: number): string {
  switch (appLimits[name].unit) {
    case 'bytes':
      return formatBytes(value)
    case 'milliseconds':
      return value < 1000 ? `${value} ms` : `${value / 1000} s`
    case 'fuel':
      return `${(value / 1e9).toLocaleString('en-US')} billion steps`
    case 'count':
      return value.toLocaleString('en-US')
  }
}

export function formatBytes(value: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let size = value
  let unit = 0
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit++
  }
  return `${size.toLocaleString('en-US', { maximumFractionDigits: 1 })} ${units[unit] ?? ''}`
}
