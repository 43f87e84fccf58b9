/**
 * Structured logs on stderr: one JSON object a line, or one readable line a fact. Levels, fields, children with fixed
 * fields, and a bounded memory of recent entries for `node.log`. Secrets are cut by ./redaction.ts.
 */
import { type LogValue, redactMember, redactText } from './redaction.ts'

export const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof logLevels)[number]
export type LogFormat = 'json' | 'human'
export type LogFields = Readonly<Record<string, unknown>>

export interface LogEntry {
  readonly timeMs: number
  readonly level: LogLevel
  readonly message: string
  readonly fields: Readonly<Record<string, LogValue>>
}

/** Messages are constant sentences; what varies goes into fields. */
export interface Log {
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  trace(message: string, fields?: LogFields): void
  isEnabled(level: LogLevel): boolean
  /** A log that adds these fields to every entry. */
  child(fields: LogFields): Log
  /** The newest entries, oldest first. */
  recent(limit: number, level?: LogLevel): readonly LogEntry[]
}

export interface LogOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  readonly now: () => number
  /** Takes one line with its newline. */
  readonly write: (line: string) => void
  readonly colour?: boolean
}

const recentEntriesMax = 500 // what `node.log` can answer; about 100 KiB

export function createLog(options: LogOptions): Log {
  const threshold = logLevels.indexOf(options.level)
  const entries: LogEntry[] = []

  function add(level: LogLevel, message: string, fixed: LogFields, fields: LogFields): void {
    if (logLevels.indexOf(level) > threshold) return
    const entry = {
      timeMs: options.now(),
      level,
      message: redactText(message),
      fields: redactFields({ ...fixed, ...fields })
    }
    entries.push(entry)
    if (entries.length > recentEntriesMax) entries.shift()
    options.write(options.format === 'json' ? formatJson(entry) : formatHuman(entry, options.colour ?? false))
  }

  function make(fixed: LogFields): Log {
    return {
      error: (message, fields = {}) => add('error', message, fixed, fields),
      warn: (message, fields = {}) => add('warn', message, fixed, fields),
      info: (message, fields = {}) => add('info', message, fixed, fields),
      debug: (message, fields = {}) => add('debug', message, fixed, fields),
      trace: (message, fields = {}) => add('trace', message, fixed, fields),
      isEnabled: (level) => logLevels.indexOf(level) <= threshold,
      child: (fields) => make({ ...fixed, ...fields }),
      recent(limit, level = 'trace') {
        const until = logLevels.indexOf(level)
        const chosen = entries.filter((entry) => logLevels.indexOf(entry.level) <= until)
        return chosen.slice(Math.max(0, chosen.length - limit))
      }
    }
  }
  return make({})
}

function redactFields(fields: LogFields): Record<string, LogValue> {
  const copy: Record<string, LogValue> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) copy[name] = redactMember(name, value)
  }
  return copy
}

function formatJson(entry: LogEntry): string {
  const { timeMs, level, message, fields } = entry
  return `${JSON.stringify({ time: new Date(timeMs).toISOString(), level, message, ...fields })}\n`
}

const levelColour: Readonly<Record<LogLevel, string>> = {
  error: '31',
  warn: '33',
  info: '36',
  debug: '90',
  trace: '90'
}

function formatHuman(entry: LogEntry, colour: boolean): string {
  const time = new Date(entry.timeMs).toISOString().slice(11, 23)
  const label = entry.level.padEnd(5)
  const shownLabel = colour ? `\u001b[${levelColour[entry.level]}m${label}\u001b[0m` : label
  const fields = Object.entries(entry.fields).map(([name, value]) => ` ${name}=${showValue(value)}`)
  return `${time} ${shownLabel} ${withoutControls(entry.message)}${fields.join('')}\n`
}

function showValue(value: LogValue): string {
  if (typeof value === 'object' && value !== null && 'stack' in value && typeof value['stack'] === 'string') {
    return JSON.stringify(
      value['stack']
        .split('\n')
        .slice(0, 4)
        .map((line) => line.trim())
        .join(' | ')
    )
  }
  if (typeof value === 'string' && /^[\w./:@+-]+$/.test(value)) return value
  return withoutControls(JSON.stringify(value))
}

/** Nobody writes escape sequences into the operator's terminal. */
function withoutControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
