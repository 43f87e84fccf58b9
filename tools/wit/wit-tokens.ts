/** Words and signs of a WIT file, each with its line and the documentation comment (`///`) before it. */
import { WitError } from './wit-error.ts'

export interface Token {
  readonly text: string
  readonly line: number
  /** Lines of the `///` comment directly before, without the slashes. */
  readonly documentation: readonly string[]
}

const pattern = /(\n)|([ \t\r]+)|(\/\/\/[^\n]*)|(\/\/[^\n]*)|(%?[a-z0-9][a-z0-9.-]*)|(->|[{}()<>,:;=@/_])/y

/** The last token has an empty text and stands for the end. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let documentation: string[] = []
  let line = 1
  pattern.lastIndex = 0
  while (pattern.lastIndex < source.length) {
    const start = pattern.lastIndex
    const match = pattern.exec(source)
    if (match === null) throw new WitError(line, `unexpected character ${JSON.stringify(source[start])}`)
    const [, newline, , comment, , word, sign] = match
    if (newline !== undefined) line++
    else if (comment !== undefined) documentation.push(comment.slice(3).replace(/^ /, ''))
    const text = word ?? sign
    if (text === undefined) continue
    tokens.push({ text, line, documentation })
    documentation = []
  }
  tokens.push({ text: '', line, documentation })
  return tokens
}
