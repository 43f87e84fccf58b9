/**
 * Reads just enough of a TypeScript source to judge it: the modules it names and its code with comments
 * and text blanked out, so that a word in a comment is not taken for a call. No parser is needed for that,
 * and TypeScript 7 offers none.
 */
export interface SourceScan {
  /** Every module named by an import, an export-from or a literal dynamic import. */
  readonly imports: readonly ImportedModule[]
  /** The source at the same offsets, with comments, text and regular expressions blanked out. */
  readonly code: string
}

export interface ImportedModule {
  readonly specifier: string
  readonly line: number // from 1
}

interface Literal {
  readonly start: number
  readonly end: number
  readonly value: string
}

const keywordsBeforeRegex =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield|instanceof)$/

export function scanSource(source: string): SourceScan {
  const code = source.replace(/[^\n]/g, ' ').split('')
  const literals: Literal[] = []
  new Scanner(source, code, literals).run()
  const blanked = code.join('')
  const imports = literals
    .filter((literal) => namesModule(blanked.slice(0, literal.start)))
    .map(({ value, start }) => ({ specifier: value, line: lineOf(source, start) }))
  return { imports, code: blanked }
}

export function lineOf(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length
}

/** Whether a text literal after `before` is a module specifier. */
function namesModule(before: string): boolean {
  const tail = before.slice(-4000).trimEnd()
  if (/(?:^|[^\w$.])(?:import|require)\s*\($/.test(tail)) return true
  if (/(?:^|[^\w$.])import$/.test(tail)) return true
  return /(?:^|[^\w$.])(?:import|export)\b[^;=()]*(?:^|[^\w$.])from$/.test(tail)
}

class Scanner {
  readonly #source: string
  readonly #code: string[]
  readonly #literals: Literal[]
  #offset = 0
  /** Depth of braces inside each template expression that is open. */
  readonly #templates: number[] = []

  constructor(source: string, code: string[], literals: Literal[]) {
    this.#source = source
    this.#code = code
    this.#literals = literals
  }

  run(): void {
    while (this.#offset < this.#source.length) this.#step()
  }

  #step(): void {
    const char = this.#source.charAt(this.#offset)
    const next = this.#source.charAt(this.#offset + 1)
    if (char === '/' && next === '/') this.#skipTo('\n')
    else if (char === '/' && next === '*') this.#skipTo('*/', 2)
    else if (char === "'" || char === '"') this.#text(char)
    else if (char === '`') this.#template(1)
    else if (char === '/' && this.#regexMayStart()) this.#regex()
    else this.#plain(char)
  }

  #plain(char: string): void {
    const last = this.#templates.length - 1
    const depth = this.#templates[last]
    if (char === '{' && depth !== undefined) this.#templates[last] = depth + 1
    if (char === '}' && depth === 0) {
      this.#templates.pop()
      this.#template(1)
      return
    }
    if (char === '}' && depth !== undefined) this.#templates[last] = depth - 1
    this.#code[this.#offset++] = char
  }

  #skipTo(end: string, length = 0): void {
    const found = this.#source.indexOf(end, this.#offset + 2)
    this.#offset = found < 0 ? this.#source.length : found + length
  }

  #text(quote: string): void {
    const start = this.#offset++
    while (this.#offset < this.#source.length && this.#source.charAt(this.#offset) !== quote) {
      this.#offset += this.#source.charAt(this.#offset) === '\\' ? 2 : 1
    }
    this.#offset++
    const value = this.#source.slice(start + 1, this.#offset - 1)
    this.#literals.push({ start, end: this.#offset, value })
    this.#code[start] = quote
    this.#code[this.#offset - 1] = quote
  }

  /** From a backquote, or from the brace that ends an expression, to the next expression or the end. */
  #template(skip: number): void {
    const start = this.#offset
    this.#offset += skip
    while (this.#offset < this.#source.length) {
      const char = this.#source.charAt(this.#offset)
      if (char === '\\') this.#offset += 2
      else if (char === '$' && this.#source.charAt(this.#offset + 1) === '{') {
        this.#offset += 2
        this.#templates.push(0)
        return
      } else {
        this.#offset++
        if (char !== '`') continue
        const value = this.#source.slice(start + 1, this.#offset - 1)
        if (this.#source.charAt(start) === '`') this.#literals.push({ start, end: this.#offset, value })
        this.#code[start] = '"'
        this.#code[this.#offset - 1] = '"'
        return
      }
    }
  }

  #regexMayStart(): boolean {
    const before = this.#code
      .slice(Math.max(0, this.#offset - 200), this.#offset)
      .join('')
      .trimEnd()
    return before === '' || /[(,=:[!&|?{};+\-*%<>~^]$/.test(before) || keywordsBeforeRegex.test(before)
  }

  #regex(): void {
    let inClass = false
    for (this.#offset++; this.#offset < this.#source.length; this.#offset++) {
      const char = this.#source.charAt(this.#offset)
      if (char === '\\') this.#offset++
      else if (char === '[') inClass = true
      else if (char === ']') inClass = false
      else if (char === '\n') return
      else if (char === '/' && !inClass) {
        this.#code[this.#offset++] = '0' // an operand, so that what follows is read as an operator
        return
      }
    }
  }
}
