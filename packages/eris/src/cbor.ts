/**
 * The part of CBOR that the companion formats of ERIS use, over the tokens of cborg: unsigned numbers, byte and text
 * strings, arrays, maps and tags, all of definite length and in their shortest form (RFC 8949, 4.2.1). Formats are read
 * token by token in the order that is expected, so nothing a stranger nests or repeats costs more than its bytes.
 */
import { Token, Tokenizer, Type, encode } from 'cborg'
import type { ErisError } from './eris-error.ts'

/** What to write, in order; a header of an array or map is followed by what it counts. */
export type CborItem =
  | { readonly tag: number }
  | { readonly array: number }
  | { readonly map: number }
  | number
  | string
  | Uint8Array

export function encodeCbor(items: readonly CborItem[]): Uint8Array {
  // cborg writes what a type encoder gives; given tokens, it writes those.
  return Uint8Array.from(encode(items.map(tokenOf), { typeEncoders: { Array: (tokens: Token[]) => tokens } }))
}

function tokenOf(item: CborItem): Token {
  if (typeof item === 'number') return new Token(Type.uint, item)
  if (typeof item === 'string') return new Token(Type.string, item)
  if (item instanceof Uint8Array) return new Token(Type.bytes, item)
  if ('tag' in item) return new Token(Type.tag, item.tag)
  if ('array' in item) return new Token(Type.array, item.array)
  return new Token(Type.map, item.map)
}

type TypeName = 'uint' | 'bytes' | 'string' | 'array' | 'map' | 'tag'

/** Reads in the order the format says; whatever else comes is refused with `refuse`. */
export class CborReader {
  readonly #tokenizer: Tokenizer
  readonly #length: number
  readonly #refuse: (problem: string) => ErisError
  #ahead: Token | undefined

  /** @param refuse makes the error of the format out of what is wrong */
  constructor(bytes: Uint8Array, refuse: (problem: string) => ErisError) {
    this.#tokenizer = new Tokenizer(bytes, { strict: true, allowIndefinite: false, retainStringBytes: true })
    this.#length = bytes.length
    this.#refuse = refuse
  }

  uint(what: string): number {
    return this.#number('uint', what)
  }

  tag(what: string): number {
    return this.#number('tag', what)
  }

  /** @returns the number of items that follow; more than there are bytes is refused */
  array(what: string): number {
    return this.#count('array', what)
  }

  /** @returns the number of keys, each with its value, that follow */
  map(what: string): number {
    return this.#count('map', what)
  }

  /** A copy. */
  bytes(what: string): Uint8Array {
    const value: unknown = this.#take('bytes', what).value
    if (value instanceof Uint8Array) return Uint8Array.from(value)
    throw this.#refuse(`${what} is not a byte string`)
  }

  /** Valid UTF-8, else refused. */
  text(what: string): string {
    const token = this.#take('string', what)
    const { byteValue } = token
    if (byteValue === undefined && token.value !== '') throw this.#refuse(`${what} has lost its bytes`)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(byteValue ?? new Uint8Array(0))
    } catch {
      throw this.#refuse(`${what} is not valid UTF-8`)
    }
  }

  nextIs(type: TypeName): boolean {
    this.#ahead ??= this.#next('the next item')
    return this.#ahead.type.name === type
  }

  end(): void {
    if (this.#ahead === undefined && this.#tokenizer.done()) return
    throw this.#refuse(`bytes follow its end, at ${this.#tokenizer.pos()}`)
  }

  #number(type: 'uint' | 'tag', what: string): number {
    const value: unknown = this.#take(type, what).value
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    throw this.#refuse(`${what} is out of range`)
  }

  #count(type: 'array' | 'map', what: string): number {
    const value: unknown = this.#take(type, what).value
    if (typeof value === 'number' && value <= this.#length) return value
    throw this.#refuse(`${what} claims more items than there are bytes`)
  }

  #take(type: TypeName, what: string): Token {
    const token = this.#ahead ?? this.#next(what)
    this.#ahead = undefined
    if (token.type.name === type) return token
    throw this.#refuse(`${what} is not of type ${type} but ${token.type.name}`)
  }

  #next(what: string): Token {
    try {
      if (!this.#tokenizer.done()) return this.#tokenizer.next()
    } catch (error) {
      throw this.#refuse(`${what} cannot be read at ${this.#tokenizer.pos()}: ${String(error)}`)
    }
    throw this.#refuse(`it ends before ${what}`)
  }
}
