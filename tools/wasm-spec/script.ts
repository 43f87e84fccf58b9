/** Reads the scripts of the WebAssembly specification's tests (.wast) as nested lists; modules keep their text. */

export type Node = Text | List

/** A word or a string; strings have bytes. */
export interface Text {
  readonly word: string
  readonly bytes: Uint8Array | undefined
}

export interface List {
  readonly items: readonly Node[]
  /** As it stands in the script. */
  readonly source: string
  readonly line: number
}

export function isList(node: Node | undefined): node is List {
  return node !== undefined && 'items' in node
}

/** The word at `index`; empty when there is a list, a string or nothing. */
export function wordAt({ items }: List, index: number): string {
  const node = items[index]
  return node === undefined || isList(node) || node.bytes !== undefined ? '' : node.word
}

interface OpenList {
  readonly items: Node[]
  readonly start: number
  readonly line: number
}

const token = /\s+|;;[^\n]*|\(;|\(|\)|"(?:[^"\\]|\\.)*"|[^\s()";]+|./gsu

/** The top-level lists. Throws when brackets do not close. */
export function parseScript(text: string): readonly List[] {
  const top: Node[] = []
  const open: OpenList[] = []
  let line = 1
  token.lastIndex = 0
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found] = match
    const items = open.at(-1)?.items ?? top
    if (found === '(;') token.lastIndex = commentEnd(text, match.index)
    else if (found === '(') open.push({ items: [], start: match.index, line })
    else if (found === ')') close(text, token.lastIndex, open, top)
    else if (found.startsWith('"')) items.push({ word: found, bytes: unescape(found.slice(1, -1)) })
    else if (!/^(?:\s|;;)/u.test(found)) items.push({ word: found, bytes: undefined })
    line += text.slice(match.index, token.lastIndex).split('\n').length - 1
  }
  if (open.length > 0) throw new Error(`the list of line ${open[0]?.line ?? 0} is not closed`)
  return top.filter(isList)
}

function close(text: string, end: number, open: OpenList[], top: Node[]): void {
  const closed = open.pop()
  if (closed === undefined) throw new Error('a list is closed that was not opened')
  const { items, start, line } = closed
  const list = { items, source: text.slice(start, end), line }
  ;(open.at(-1)?.items ?? top).push(list)
}

/** Where the block comment that begins at `start` ends; they nest. */
function commentEnd(text: string, start: number): number {
  const mark = /\(;|;\)/g
  mark.lastIndex = start
  let depth = 0
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    depth += match[0] === '(;' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  return text.length
}

const escapes: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, '"': 34, "'": 39, '\\': 92 }

function unescape(text: string): Uint8Array {
  const bytes: number[] = []
  const part = /\\u\{([0-9a-fA-F_]+)\}|\\([0-9a-fA-F]{2})|\\(.)|([^\\]+)/gsu
  for (const [, point, hex, letter, plain] of text.matchAll(part)) {
    if (point !== undefined) {
      bytes.push(
        ...new TextEncoder().encode(String.fromCodePoint(Number.parseInt(point.replaceAll('_', ''), 16)))
      )
    } else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else if (letter !== undefined) bytes.push(escapes[letter] ?? 0)
    else for (const byte of new TextEncoder().encode(plain)) bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}
