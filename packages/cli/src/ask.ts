/** Questions on the terminal: one dialogue for all of a command, so that nothing that was typed ahead is lost. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Dialogue {
  /** @returns the line that was typed, without white space around it; empty at the end of input. Rejects after Ctrl-C. */
  ask(question: string): Promise<string>
  close(): void
}

/** True when a person can be asked: words come from a terminal, and it shows what is asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** The terminal keeps its own way of editing a line, and of Ctrl-C. */
export function openDialogue(signal: AbortSignal): Dialogue {
  const terminal = createInterface({ input: process.stdin, terminal: false })
  const lines = terminal[Symbol.asyncIterator]()
  return {
    async ask(question) {
      process.stderr.write(question)
      signal.throwIfAborted()
      const interrupted = once(signal, 'abort').then(() => undefined)
      const line = await Promise.race([lines.next(), interrupted])
      signal.throwIfAborted()
      return line === undefined || line.done === true ? '' : line.value.trim()
    },
    close() {
      terminal.close()
    }
  }
}
