/** One note: a text file `/data/<id>.txt`, its first line the title. Read once, then kept in memory for lists and search. */
import { Details, Failure, files, status } from '../../packages/app-sdk/assemblyscript/blocktree'

export const noteBytesMax = 256 * 1024 // some 100 pages; a file for more is a file, no note
const titleCharacters = 300
const excerptCharacters = 140

export class Note {
  title: string
  excerpt: string
  private searched: string

  constructor(
    public id: string,
    public text: string,
    /** Microseconds since 1970. */
    public modified: u64,
    /** Of the file, as hexadecimal digits. */
    public version: string,
    /** Written apart on two machines: this version is shown, the other is kept. */
    public isConflicted: bool
  ) {
    const end = text.indexOf('\n')
    this.title = oneLine(end < 0 ? text : text.substring(0, end), titleCharacters)
    this.excerpt = end < 0 ? '' : oneLine(text.substring(end + 1), excerptCharacters)
    this.searched = text.toLowerCase()
  }

  /** Every word occurs somewhere. */
  matches(words: string[]): bool {
    for (let index = 0; index < words.length; index++) {
      if (!this.searched.includes(words[index])) return false
    }
    return true
  }
}

export function pathOf(id: string): string {
  return '/data/' + id + '.txt'
}

/** Of a path or a file name; empty for what is no note. */
export function idOf(path: string): string {
  if (!path.endsWith('.txt')) return ''
  const id = path.substring(path.lastIndexOf('/') + 1, path.length - 4)
  return isId(id) ? id : ''
}

/** Up to 40 lower-case letters, digits and hyphens. */
export function isId(text: string): bool {
  if (text.length == 0 || text.length > 40) return false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    const isLetter = code >= 97 && code <= 122
    const isDigit = code >= 48 && code <= 57
    if (!isLetter && !isDigit && code != 45) return false
  }
  return true
}

/** A note, or why there is none: a code of `Failure`. */
export class ReadNote {
  constructor(
    public note: Note | null,
    public failure: u32
  ) {}
}

export function readNote(id: string): ReadNote {
  const path = pathOf(id)
  const details: Details | null = files.stat(path)
  if (details == null) return new ReadNote(null, status)
  if (details.size > <u64>noteBytesMax) return new ReadNote(null, Failure.TooLarge)
  const content = details.size == 0 ? new Uint8Array(0) : files.readFile(path, 0, <u32>details.size)
  if (content == null) return new ReadNote(null, status)
  const modified: u64 = details.modified < 0 ? 0 : <u64>details.modified
  const text = String.UTF8.decode(content.buffer)
  return new ReadNote(new Note(id, text, modified, hexadecimal(details.version), details.conflict), 0)
}

export function hexadecimal(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index++) {
    text += (bytes[index] >> 4).toString(16) + (bytes[index] & 15).toString(16)
  }
  return text
}

/** Runs of white space are one space. */
function oneLine(text: string, charactersMax: i32): string {
  let line = ''
  let isSpace = true
  for (let index = 0; index < text.length && line.length < charactersMax; index++) {
    const code = text.charCodeAt(index)
    if (code <= 32) {
      if (!isSpace) line += ' '
      isSpace = true
    } else {
      line += text.charAt(index)
      isSpace = false
    }
  }
  return line.trimEnd()
}
