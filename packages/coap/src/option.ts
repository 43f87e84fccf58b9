/**
 * Options: numbers, what is known of each, and their delta coding (RFC 7252 sections 3.1 and 5.4, RFC 7959, RFC 7641).
 * The list of a message is in ascending order of numbers; `encodeOptions` sorts, the decoder cannot meet another order.
 */
import { CoapError } from './coap-error.ts'
import { optionBytesMax, optionsMax } from './limits.ts'

export interface Option {
  readonly number: number
  readonly value: Uint8Array
}

export const optionNumber = {
  uriHost: 3,
  etag: 4,
  observe: 6,
  uriPort: 7,
  locationPath: 8,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  accept: 17,
  locationQuery: 20,
  block2: 23,
  block1: 27,
  size2: 28,
  proxyUri: 35,
  proxyScheme: 39,
  size1: 60
} as const

interface OptionRule {
  readonly min: number
  readonly max: number
  readonly isRepeatable?: boolean
}

/** If-Match and If-None-Match are not acted on, so they count as unknown. */
const rules: ReadonlyMap<number, OptionRule> = new Map([
  [3, { min: 1, max: 255 }],
  [4, { min: 1, max: 8, isRepeatable: true }],
  [6, { min: 0, max: 3 }],
  [7, { min: 0, max: 2 }],
  [8, { min: 0, max: 255, isRepeatable: true }],
  [11, { min: 0, max: 255, isRepeatable: true }],
  [12, { min: 0, max: 2 }],
  [14, { min: 0, max: 4 }],
  [15, { min: 0, max: 255, isRepeatable: true }],
  [17, { min: 0, max: 2 }],
  [20, { min: 0, max: 255, isRepeatable: true }],
  [23, { min: 0, max: 3 }],
  [27, { min: 0, max: 3 }],
  [28, { min: 0, max: 4 }],
  [35, { min: 1, max: 1034 }],
  [39, { min: 1, max: 255 }],
  [60, { min: 0, max: 4 }]
])

/** A critical option that is not understood makes the message unusable; an elective one is passed over. */
export function isCritical(number: number): boolean {
  return (number & 1) === 1
}

/**
 * Options that this implementation acts on; unknown elective ones and those of a wrong length are left out, as RFC 7252
 * section 5.4 asks for. A critical one that is unknown, misplaced or of a wrong length is reported by its number.
 */
export function usableOptions(options: readonly Option[]): {
  readonly options: readonly Option[]
  readonly refused: number | undefined
} {
  let kept: Option[] | undefined
  let refused: number | undefined
  let before = -1
  for (const [index, option] of options.entries()) {
    const isUsable = fits(option, before)
    before = option.number
    if (isUsable) kept?.push(option)
    else {
      if (isCritical(option.number)) refused ??= option.number
      kept ??= options.slice(0, index)
    }
  }
  return { options: kept ?? options, refused }
}

function fits({ number, value }: Option, before: number): boolean {
  const rule = rules.get(number)
  if (rule === undefined || value.length < rule.min || value.length > rule.max) return false
  return number !== before || rule.isRepeatable === true
}

/** The first option of that number; undefined when there is none. */
export function findOption(options: readonly Option[], number: number): Option | undefined {
  for (const option of options) if (option.number === number) return option
  return undefined
}

/** Unsigned integer of the first option of that number. */
export function integerOption(options: readonly Option[], number: number): number | undefined {
  const value = findOption(options, number)?.value
  if (value === undefined) return undefined
  let result = 0
  for (const byte of value) result = result * 256 + byte
  return result
}

/** The shortest big-endian form; 0 has no bytes. */
export function createIntegerOption(number: number, integer: number): Option {
  const bytes: number[] = []
  for (let rest = integer; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return { number, value: Uint8Array.from(bytes) }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function createTextOption(number: number, text: string): Option {
  return { number, value: encoder.encode(text) }
}

/** One Uri-Path option for each segment of `/a/b`; `/` has none. */
export function pathOptions(path: string): Option[] {
  const segments = path.split('/').slice(path.startsWith('/') ? 1 : 0)
  if (segments.length === 1 && segments[0] === '') return []
  return segments.map((segment) => createTextOption(optionNumber.uriPath, segment))
}

/** `/a/b`; a segment is percent-encoded where it has to be. ERR_COAP_OPTION when one is not UTF-8. */
export function pathOf(options: readonly Option[]): string {
  let path = ''
  for (const { number, value } of options)
    if (number === optionNumber.uriPath) path += `/${encodeSegment(value)}`
  return path === '' ? '/' : path
}

function encodeSegment(value: Uint8Array): string {
  let text = ''
  for (const byte of value) {
    if (!isPlain(byte)) return encodeURIComponent(decodeText(value))
    text += String.fromCharCode(byte)
  }
  return text
}

/** Letters, digits, `-`, `.`, `_`, `~`. */
function isPlain(byte: number): boolean {
  return (
    (byte >= 97 && byte <= 122) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 45 && byte <= 57 && byte !== 47) ||
    byte === 95 ||
    byte === 126
  )
}

function decodeText(value: Uint8Array): string {
  try {
    return decoder.decode(value)
  } catch (error) {
    throw new CoapError('ERR_COAP_OPTION', 'an option of text is not UTF-8', { cause: error })
  }
}

/** Bytes that `encodeOptions` will write. */
export function optionsLength(options: readonly Option[]): number {
  let length = 0
  let before = 0
  for (const { number, value } of ordered(options)) {
    length += 1 + extensionLength(number - before) + extensionLength(value.length) + value.length
    before = number
  }
  return length
}

function extensionLength(value: number): number {
  if (value < 13) return 0
  return value < 269 ? 1 : 2
}

/** Writes into `target` from `offset`; @returns the offset behind it. */
export function encodeOptions(options: readonly Option[], target: Uint8Array, offset: number): number {
  let at = offset
  let before = 0
  for (const { number, value } of ordered(options)) {
    const delta = number - before
    target[at] = (nibble(delta) << 4) | nibble(value.length)
    at = writeExtension(target, at + 1, delta)
    at = writeExtension(target, at, value.length)
    target.set(value, at)
    at += value.length
    before = number
  }
  return at
}

/** The same list when it is in order already, as ours mostly are. */
function ordered(options: readonly Option[]): readonly Option[] {
  let before = 0
  for (const { number } of options) {
    if (number < before) return options.toSorted((left, right) => left.number - right.number)
    before = number
  }
  return options
}

function nibble(value: number): number {
  if (value < 13) return value
  return value < 269 ? 13 : 14
}

function writeExtension(target: Uint8Array, offset: number, value: number): number {
  if (value < 13) return offset
  if (value < 269) {
    target[offset] = value - 13
    return offset + 1
  }
  target[offset] = (value - 269) >> 8
  target[offset + 1] = (value - 269) & 255
  return offset + 2
}

export interface DecodedOptions {
  /** Values are views of the message. */
  readonly options: readonly Option[]
  /** Where the payload begins; the end of the message when there is none. */
  readonly payloadOffset: number
}

/** Reads options from `offset` up to the payload marker or `end`. ERR_COAP_FORMAT, ERR_COAP_TOO_LARGE. */
export function decodeOptions(bytes: Uint8Array, offset: number, end: number): DecodedOptions {
  const options: Option[] = []
  let at = offset
  let number = 0
  while (at < end) {
    const head = bytes[at] ?? 0
    if (head === 0xff) {
      if (at + 1 >= end) throw new CoapError('ERR_COAP_FORMAT', 'a payload marker with nothing behind it')
      return { options, payloadOffset: at + 1 }
    }
    at++
    let delta = head >> 4
    let length = head & 15
    if (delta >= 13) {
      const size = extensionSize(delta, at, end)
      delta = readExtension(bytes, at, size)
      at += size
    }
    if (length >= 13) {
      const size = extensionSize(length, at, end)
      length = readExtension(bytes, at, size)
      at += size
    }
    number += delta
    if (length > end - at) throw new CoapError('ERR_COAP_FORMAT', `option ${number} is cut off`)
    if (number > 65_535) throw new CoapError('ERR_COAP_FORMAT', `option number ${number} is above 65535`)
    if (length > optionBytesMax || options.length === optionsMax)
      throw new CoapError('ERR_COAP_TOO_LARGE', `option ${number}: too many options, or too long`)
    options.push({ number, value: bytes.subarray(at, at + length) })
    at += length
  }
  return { options, payloadOffset: end }
}

function extensionSize(nibbleValue: number, at: number, end: number): number {
  if (nibbleValue === 15) throw new CoapError('ERR_COAP_FORMAT', 'a reserved length or delta of an option')
  const size = nibbleValue - 12
  if (size > end - at) throw new CoapError('ERR_COAP_FORMAT', 'the head of an option is cut off')
  return size
}

function readExtension(bytes: Uint8Array, at: number, size: number): number {
  const first = bytes[at] ?? 0
  return size === 1 ? first + 13 : ((first << 8) | (bytes[at + 1] ?? 0)) + 269
}
