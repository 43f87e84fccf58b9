/**
 * Where a command's words go: results on stdout, everything else on stderr. With `--json` stdout holds JSON and
 * nothing else. Colours and progress bars only where a terminal is, never with NO_COLOR.
 */
import { formatBytes, printable, visible } from './format.ts'

export interface OutputStream {
  write(text: string | Uint8Array): boolean
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface ProgressReport {
  readonly done: number
  readonly total?: number | undefined
  readonly unit?: string | undefined
  readonly text?: string | undefined
}

export interface ProgressBar {
  update(report: ProgressReport): void
  /** Clears the bar. */
  finish(): void
}

export interface Output {
  readonly isJson: boolean
  readonly isTerminal: boolean
  /** The result: a value with `--json`, else the lines. */
  result(value: unknown, lines: () => readonly string[]): void
  /** One of many results: a JSON line with `--json`, else the lines. */
  item(value: unknown, lines: () => readonly string[]): void
  /** Raw content. */
  bytes(bytes: Uint8Array): Promise<void>
  /** Said beside the result, on stderr; not with `--json`. */
  note(text: string): void
  progress(label: string): ProgressBar
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly blue: (text: string) => string
}

export interface OutputOptions {
  readonly stdout: OutputStream & { once?(event: 'drain', listener: () => void): unknown }
  readonly stderr: OutputStream
  readonly isJson: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly now: () => number
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, isJson, environment } = options
  const hasColour =
    stdout.isTTY === true &&
    environment['NO_COLOR'] === undefined &&
    environment['TERM'] !== 'dumb' &&
    !isJson
  const paint = (code: number) => (text: string) => (hasColour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const print = (value: unknown, lines: () => readonly string[]): void => {
    if (isJson) stdout.write(`${JSON.stringify(value)}\n`)
    else for (const line of lines()) stdout.write(`${visible(line)}\n`)
  }
  return {
    isJson,
    isTerminal: stdout.isTTY === true,
    result: print,
    item: print,
    async bytes(bytes) {
      if (stdout.write(bytes)) return
      const drained = Promise.withResolvers<void>()
      if (stdout.once === undefined) drained.resolve()
      else stdout.once('drain', () => drained.resolve())
      await drained.promise
    },
    note(text) {
      if (!isJson) stderr.write(`${visible(text)}\n`)
    },
    progress: (label) => createProgress(label, options),
    dim: paint(2),
    bold: paint(1),
    red: paint(31),
    green: paint(32),
    yellow: paint(33),
    blue: paint(34)
  }
}

const barMs = 100 // a bar is redrawn at most ten times a second
const lineMs = 5000 // a log gets a line now and then

function createProgress(label: string, options: OutputOptions): ProgressBar {
  const { stderr, now, isJson } = options
  if (isJson) return { update: () => undefined, finish: () => undefined }
  const isBar = stderr.isTTY === true
  const startMs = now()
  let shownMs = startMs
  let hasBar = false
  return {
    update(report) {
      const elapsed = now() - shownMs
      if (elapsed < (isBar ? barMs : lineMs)) return
      shownMs = now()
      const text = describeProgress(label, report, shownMs - startMs)
      if (isBar) {
        hasBar = true
        stderr.write(`\r\u001b[2K${text.slice(0, Math.max(20, (stderr.columns ?? 80) - 1))}`)
      } else stderr.write(`${text}\n`)
    },
    finish() {
      if (hasBar) stderr.write('\r\u001b[2K')
    }
  }
}

const barCells = 24

function describeProgress(label: string, report: ProgressReport, elapsedMs: number): string {
  const { done, total, unit, text } = report
  const amount = (value: number): string =>
    unit === 'bytes' ? formatBytes(value) : `${value.toLocaleString('en')} ${unit ?? ''}`.trim()
  const detail = text === undefined ? '' : `  ${printable(text)}`
  const speed = unit === 'bytes' && elapsedMs > 500 ? `  ${formatBytes((done / elapsedMs) * 1000)}/s` : ''
  if (total === undefined || total === 0) return `${label}  ${amount(done)}${speed}${detail}`
  const share = Math.min(1, done / total)
  const filled = Math.round(share * barCells)
  const bar = '█'.repeat(filled) + '░'.repeat(barCells - filled)
  return `${label}  ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${amount(done)} of ${amount(total)}${speed}${detail}`
}
