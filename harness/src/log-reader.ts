/** Collects what a node writes on stderr: structured entries where a line is JSON, else the text. */

export interface LogEntry {
  readonly text: string
  /** Fields of a structured entry. */
  readonly fields: Readonly<Record<string, unknown>> | undefined
}

const entriesMax = 10_000 // a node that logs more is looked at in a file

export class LogReader {
  readonly #entries: LogEntry[] = []
  readonly #decoder = new TextDecoder()
  #rest = ''

  get entries(): readonly LogEntry[] {
    return this.#entries
  }

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#entries.push({ text: line, fields: parseFields(line) })
    if (this.#entries.length > entriesMax) this.#entries.splice(0, this.#entries.length - entriesMax)
  }

  /** The last lines, for messages. */
  tail(): string {
    const texts = this.#entries.slice(-20).map((entry) => entry.text)
    if (this.#rest !== '') texts.push(this.#rest)
    return texts.length === 0 ? 'it wrote nothing on stderr' : `the end of its stderr:\n${texts.join('\n')}`
  }
}

function parseFields(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
