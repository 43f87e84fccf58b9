/**
 * Parser for the part of WIT that doc/spec/blocktree.wit uses: one package, interfaces of types and functions, one
 * world. Whatever else the language has (resources, streams, floats, signed numbers, renaming) is refused by name,
 * so that nothing enters the file which the encoding of doc/spec/20-app-interface.md cannot carry.
 */
import { WitError } from './wit-error.ts'
import type {
  WitCase,
  WitDeclaration,
  WitField,
  WitFile,
  WitFunction,
  WitInterface,
  WitType,
  WitUse
} from './wit-syntax.ts'
import { type Token, tokenize } from './wit-tokens.ts'

const identifier = /^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/
const reserved: ReadonlySet<string> = new Set(
  (
    'as async bool borrow char constructor enum error-context export f32 f64 flags from func future import include ' +
    'interface list map option own package record resource result s16 s32 s64 s8 static stream string tuple type ' +
    'u16 u32 u64 u8 use variant with world'
  ).split(' ')
)
const known: ReadonlySet<string> = new Set(['op', 'event', 'permission', 'max', 'exact'])

export function parseWit(source: string): WitFile {
  return new Parser(tokenize(source)).file()
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  file(): WitFile {
    this.#expect('package')
    const namespace = this.#name()
    this.#expect(':')
    const name = this.#name()
    this.#expect('@')
    const version = this.#next().text
    if (!/^\d+\.\d+\.\d+$/.test(version)) this.#fail(`"${version}" is not a version`)
    this.#expect(';')
    const interfaces: WitInterface[] = []
    while (this.#peek().text === 'interface') interfaces.push(this.#interface())
    const world = this.#world()
    if (this.#peek().text !== '') this.#fail(`"${this.#peek().text}" after the world`)
    return { packageName: `${namespace}:${name}@${version}`, interfaces, ...world }
  }

  #interface(): WitInterface {
    const start = this.#expect('interface')
    const head = this.#documented(start)
    this.#expect('{')
    const uses: WitUse[] = []
    const declarations: WitDeclaration[] = []
    const functions: WitFunction[] = []
    while (!this.#skip('}')) {
      const word = this.#peek().text
      if (word === 'use') uses.push(this.#use())
      else if (['type', 'record', 'variant', 'enum', 'flags'].includes(word))
        declarations.push(this.#declaration())
      else functions.push(this.#function())
    }
    return { ...head, uses, declarations, functions }
  }

  #world(): { imports: string[]; exports: string[] } {
    this.#expect('world')
    this.#name()
    this.#expect('{')
    const imports: string[] = []
    const exports: string[] = []
    while (!this.#skip('}')) {
      const word = this.#next().text
      if (word === 'import') imports.push(this.#name())
      else if (word === 'export') exports.push(this.#name())
      else this.#fail(`expected import or export, not "${word}"`)
      this.#expect(';')
    }
    return { imports, exports }
  }

  #use(): WitUse {
    const { line } = this.#expect('use')
    const from = this.#name('.')
    this.#expect('{')
    const names = this.#list('}', () => this.#name())
    this.#expect(';')
    return { line, from, names }
  }

  #declaration(): WitDeclaration {
    const start = this.#next()
    const head = this.#documented(start)
    if (start.text === 'type') {
      this.#expect('=')
      const type = this.#type()
      this.#expect(';')
      return { ...head, kind: 'alias', type }
    }
    this.#expect('{')
    if (start.text === 'record') {
      return { ...head, kind: 'record', fields: this.#some(head, () => this.#field()) }
    }
    const kind = start.text === 'variant' ? 'variant' : start.text === 'enum' ? 'enum' : 'flags'
    return { ...head, kind, cases: this.#some(head, () => this.#case(kind === 'variant')) }
  }

  #some<T extends { name: string; line: number }>(head: { name: string; line: number }, read: () => T): T[] {
    const items = this.#list('}', read)
    if (items.length === 0) throw new WitError(head.line, `"${head.name}" is empty`)
    refuseDoubles(items)
    return items
  }

  #field(): WitField {
    const head = this.#documented()
    this.#expect(':')
    return { ...head, type: this.#type() }
  }

  #case(mayCarry: boolean): WitCase {
    const head = this.#documented()
    if (!mayCarry || !this.#skip('(')) return { ...head, type: undefined }
    const type = this.#type()
    this.#expect(')')
    return { ...head, type }
  }

  #function(): WitFunction {
    const head = this.#documented()
    this.#expect(':')
    this.#expect('func')
    this.#expect('(')
    const parameters = this.#list(')', () => this.#field())
    refuseDoubles(parameters)
    const result = this.#skip('->') ? this.#type() : undefined
    this.#expect(';')
    return { ...head, parameters, result }
  }

  #type(): WitType {
    const { text, line } = this.#next()
    switch (text) {
      case 'u8':
      case 'u16':
      case 'u32':
      case 'u64':
      case 'bool':
      case 'string':
        return { kind: text }
      case 'list':
      case 'option': {
        this.#expect('<')
        const element = this.#type()
        this.#expect('>')
        return { kind: text, element }
      }
      case 'result':
        return this.#result()
      default:
        if (reserved.has(text)) this.#fail(`type "${text}" is not one that the host interface can carry`)
        return { kind: 'name', name: this.#check(text), line }
    }
  }

  #result(): WitType {
    if (!this.#skip('<')) return { kind: 'result', ok: undefined, error: undefined }
    const ok = this.#skip('_') ? undefined : this.#type()
    const error = this.#skip(',') ? this.#type() : undefined
    this.#expect('>')
    return { kind: 'result', ok, error }
  }

  /** Comma-separated, a comma at the end allowed, up to and with `close`. */
  #list<T>(close: string, read: () => T): T[] {
    const items: T[] = []
    while (!this.#skip(close)) {
      items.push(read())
      if (!this.#skip(',')) {
        this.#expect(close)
        break
      }
    }
    return items
  }

  /** A name with the comment before it, or before the word `start`. */
  #documented(start?: Token): { name: string; line: number; text: string; annotations: Map<string, string> } {
    const { documentation, line } = start ?? this.#peek()
    const name = this.#name()
    const annotations = new Map<string, string>()
    const text: string[] = []
    for (const row of documentation) {
      const [, key, value] = /^\s*@(\S+)\s*(.*?)\s*$/.exec(row) ?? []
      if (key === undefined || value === undefined) text.push(row.trim())
      else if (!known.has(key) || annotations.has(key))
        throw new WitError(line, `annotation @${key} is unknown or given twice`)
      else annotations.set(key, value)
    }
    return { name, line, text: text.join(' ').trim(), annotations }
  }

  /** @param joined a sign that may stand directly at the end of the word (`types.` before a brace) */
  #name(joined?: string): string {
    const { text } = this.#next()
    return this.#check(joined !== undefined && text.endsWith(joined) ? text.slice(0, -joined.length) : text)
  }

  /** `%` before a reserved word makes it a name. */
  #check(text: string): string {
    const name = text.startsWith('%') ? text.slice(1) : text
    const isReserved = name === text && reserved.has(name)
    if (!identifier.test(name) || isReserved) this.#fail(`"${text}" is not a name`)
    return name
  }

  #skip(text: string): boolean {
    if (this.#peek().text !== text) return false
    this.#at++
    return true
  }

  #expect(text: string): Token {
    const token = this.#next()
    if (token.text !== text) this.#fail(`expected "${text}", not "${token.text}"`)
    return token
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? this.#fail('the file ends here')
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }

  #fail(message: string): never {
    throw new WitError(this.#tokens[Math.max(0, this.#at - 1)]?.line ?? 0, message)
  }
}

function refuseDoubles(items: readonly { name: string; line: number }[]): void {
  const seen = new Set<string>()
  for (const { name, line } of items) {
    if (seen.has(name)) throw new WitError(line, `"${name}" is there twice`)
    seen.add(name)
  }
}
