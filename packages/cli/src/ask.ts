/** Questions on the terminal. */
import { createInterface } from 'node:readline/promises'

/** True when a person can be asked: words come from a terminal, and it shows what is asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** @returns the line that was typed, without white space around it; empty at the end of input */
export async function ask(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const ended = Promise.withResolvers<string>()
  terminal.once('close', () => ended.resolve(''))
  try {
    return (await Promise.race([terminal.question(question, { signal }), ended.promise])).trim()
  } finally {
    terminal.close()
  }
}
