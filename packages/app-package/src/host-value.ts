/**
 * The parts from which the generated codecs of ./host-interface.ts are made: values of the host interface in the
 * canonical encoding (doc/spec/20-app-interface.md, section 2). Readers assume a hostile guest: bounds before
 * allocation, one spelling, no unknown fields. Writers refuse what readers would refuse.
 */
import { CanonicalReader, CanonicalWriter, CodecError } from '@blocktree/codec'

export type { CanonicalReader, CanonicalWriter }

/** Of an operation or event without parameters. */
export type NoFields = Readonly<Record<never, never>>

/** What a `result<T, E>` of an event carries. */
export type Outcome<Ok, Failed> =
  | { readonly kind: 'ok'; readonly value: Ok }
  | { readonly kind: 'error'; readonly value: Failed }

const explanationBytesMax = 512 // one line of a log
const encoder = new TextEncoder()

/** Reads one value that is the whole input. */
export function decodeWhole<T>(bytes: Uint8Array, read: (reader: CanonicalReader) => T): T {
  const reader = new CanonicalReader(bytes)
  const value = read(reader)
  reader.end()
  return value
}

/** Without parameters or result there are no bytes. */
export function decodeNothing(bytes: Uint8Array): undefined {
  if (bytes.length === 0) return undefined
  throw new CodecError('ERR_CODEC_TRAILING', `${bytes.length} bytes where none belong`)
}

export function encodeNothing(_nothing: unknown): Uint8Array {
  return new Uint8Array()
}

export function encodeWhole(write: (writer: CanonicalWriter) => unknown, capacity?: number): Uint8Array {
  const writer = new CanonicalWriter(capacity)
  write(writer)
  return writer.finish()
}

export function readList<T>(reader: CanonicalReader, max: number, read: () => T): T[] {
  const length = reader.array(max)
  const items: T[] = []
  for (let index = 0; index < length; index++) items.push(read())
  return items
}

export function writeList<T>(
  writer: CanonicalWriter,
  items: readonly T[],
  max: number,
  write: (item: T) => unknown
): void {
  checkLength('a list', items.length, 0, max)
  writer.array(items.length)
  for (const item of items) write(item)
}

export function readEnum<Name extends string>(reader: CanonicalReader, names: readonly Name[]): Name {
  const name = names[reader.uint(names.length - 1)]
  if (name === undefined) throw new CodecError('ERR_CODEC_RANGE', 'no such case')
  return name
}

export function writeEnum<Name extends string>(
  writer: CanonicalWriter,
  names: readonly Name[],
  name: Name
): void {
  const index = names.indexOf(name)
  if (index < 0) throw new CodecError('ERR_CODEC_VALUE', `"${name}" is not one of ${names.join(', ')}`)
  writer.uint(index)
}

/**
 * Opens a variant: `[case]` or `[case, value]`.
 * @param carrying for each case whether a value follows
 */
export function readCase(reader: CanonicalReader, carrying: readonly boolean[]): number {
  const length = reader.array(2, 1)
  const index = reader.uint(carrying.length - 1)
  if ((carrying[index] === true) !== (length === 2)) {
    throw new CodecError('ERR_CODEC_RANGE', `case ${index} does not have ${length - 1} values`)
  }
  return index
}

/**
 * A `result`: `[0]` or `[0, value]` when it went well, `[1]` or `[1, error]` when not.
 * @param carrying whether a value follows in each of the two cases
 */
export function readOutcome<Ok, Failed>(
  reader: CanonicalReader,
  carrying: readonly [boolean, boolean],
  readOk: () => Ok,
  readFailed: () => Failed
): Outcome<Ok, Failed> {
  if (readCase(reader, carrying) === 0) return { kind: 'ok', value: readOk() }
  return { kind: 'error', value: readFailed() }
}

export function writeOutcome<Ok, Failed>(
  writer: CanonicalWriter,
  outcome: Outcome<Ok, Failed>,
  writeOk: ((value: Ok) => unknown) | undefined,
  writeFailed: ((value: Failed) => unknown) | undefined
): void {
  const carries = (outcome.kind === 'ok' ? writeOk : writeFailed) !== undefined
  writer.array(carries ? 2 : 1).uint(outcome.kind === 'ok' ? 0 : 1)
  if (outcome.kind === 'ok') writeOk?.(outcome.value)
  else writeFailed?.(outcome.value)
}

export function writeUint(writer: CanonicalWriter, value: number, max: number): void {
  if (value > max) throw new CodecError('ERR_CODEC_VALUE', `${value} is above ${max}`)
  writer.uint(value)
}

export function writeText(writer: CanonicalWriter, text: string, max: number): void {
  if (text.length * 3 > max) checkLength('a text', encoder.encode(text).length, 0, max)
  writer.str(text)
}

export function writeBytes(writer: CanonicalWriter, bytes: Uint8Array, min: number, max: number): void {
  checkLength('a byte list', bytes.length, min, max)
  writer.bin(bytes)
}

/** A byte list that is the whole input, copied once: what a read of a file replies. */
export function encodeBytes(bytes: Uint8Array, min: number, max: number): Uint8Array {
  const head = encodeBytesHead(bytes, min, max)
  const encoded = new Uint8Array(head.length + bytes.length)
  encoded.set(head)
  encoded.set(bytes, head.length)
  return encoded
}

/** What stands before the bytes of a byte list. */
export function encodeBytesHead({ length }: Uint8Array, min: number, max: number): Uint8Array {
  checkLength('a byte list', length, min, max)
  const width = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 4
  const head = new Uint8Array(1 + width)
  head[0] = width === 1 ? 0xc4 : width === 2 ? 0xc5 : 0xc6
  for (let index = 0; index < width; index++) head[1 + index] = length >>> (8 * (width - 1 - index))
  return head
}

/** The payload of a reply that failed: words for the guest's log, cut to 512 bytes; nothing depends on them. */
export function encodeExplanation(text: string): Uint8Array {
  let cut = text.slice(0, explanationBytesMax).toWellFormed()
  while (encoder.encode(cut).length > explanationBytesMax) cut = cut.slice(0, -1).toWellFormed()
  return encodeWhole((writer) => writer.str(cut))
}

function checkLength(what: string, length: number, min: number, max: number): void {
  if (length >= min && length <= max) return
  throw new CodecError('ERR_CODEC_VALUE', `${what} of ${length} is not between ${min} and ${max}`)
}
