/**
 * The log of one run at the rate that its limits allow: what the app writes, and what the node says about its calls, since
 * an app chooses how often it is refused. What the node says of it has a rate of its own, so that the app's words cannot
 * crowd it out; of lines that are the same, one a second is written. What is dropped is counted, and the count said once a
 * second (doc/spec/22-app-host.md, section 9).
 */
import { logBytesAboutCalls, logLineCharactersMax } from './limits.ts'
import type { AppLogLine, TimerPort } from './ports.ts'

const windowMs = 1000
const linesCompared = 64 // different lines of one second; those beyond count as new

interface Window {
  readonly bytesMax: number
  bytes: number
  dropped: number
}

export class LogBudget {
  readonly #app: string
  readonly #log: (line: AppLogLine) => void
  readonly #timers: TimerPort
  readonly #windows: Readonly<Record<AppLogLine['source'], Window>>
  /** Lines of the node in this second, and how often each came again. */
  readonly #repeated = new Map<string, number>()
  #endWindow: (() => void) | undefined

  constructor(app: string, bytesPerSecond: number, log: (line: AppLogLine) => void, timers: TimerPort) {
    this.#app = app
    this.#log = log
    this.#timers = timers
    this.#windows = { app: openWindow(bytesPerSecond), host: openWindow(logBytesAboutCalls) }
  }

  /** A line that is too long is cut. */
  write(line: AppLogLine): void {
    this.#endWindow ??= this.#timers.start(windowMs, () => this.close())
    if (line.source === 'host' && this.#isRepeated(line.message)) return
    const window = this.#windows[line.source]
    const message = cut(line.message)
    window.bytes += message.length
    if (window.bytes > window.bytesMax) window.dropped += line.message.length
    else this.#log({ ...line, message })
  }

  /** Ends the second that runs; what was dropped in it is said. */
  close(): void {
    this.#endWindow?.()
    this.#endWindow = undefined
    for (const [message, times] of this.#repeated) {
      if (times > 0) this.#say(`${message} (${times} times more)`)
    }
    this.#repeated.clear()
    const { app, host } = this.#windows
    if (app.dropped > 0) this.#say(`${app.dropped} bytes of its log were dropped: it writes too much`)
    if (host.dropped > 0)
      this.#say(`${host.dropped} bytes about calls that failed were dropped: they are too many`)
    for (const window of [app, host]) {
      window.bytes = 0
      window.dropped = 0
    }
  }

  #isRepeated(message: string): boolean {
    const times = this.#repeated.get(message)
    if (times !== undefined) this.#repeated.set(message, times + 1)
    else if (this.#repeated.size < linesCompared) this.#repeated.set(message, 0)
    return times !== undefined
  }

  #say(message: string): void {
    this.#log({ app: this.#app, level: 'warning', message, source: 'host' })
  }
}

function openWindow(bytesMax: number): Window {
  return { bytesMax, bytes: 0, dropped: 0 }
}

function cut(message: string): string {
  return message.length <= logLineCharactersMax ? message : `${message.slice(0, logLineCharactersMax)}…`
}
