/** Values of Block1 and Block2: number, "more follow", size exponent (RFC 7959 section 2.2; 7 is BERT, RFC 8323 section 6). */
import { CoapError } from './coap-error.ts'
import { type Option, createIntegerOption, integerOption } from './option.ts'

export interface Block {
  /** Counted in blocks of `blockBytes(sizeExponent)`. */
  readonly number: number
  readonly isMore: boolean
  /** 0 to 6: 16 to 1,024 bytes. 7: several blocks of 1,024 bytes in one message of a stream. */
  readonly sizeExponent: number
}

const blockNumberMax = 0xf_ff_ff

export function blockBytes(sizeExponent: number): number {
  return sizeExponent === 7 ? 1024 : 16 << sizeExponent
}

/** The exponent of the largest block of at most `bytes`; 0 when even 16 are too many. */
export function sizeExponentFor(bytes: number): number {
  let exponent = 0
  while (exponent < 6 && blockBytes(exponent + 1) <= bytes) exponent++
  return exponent
}

export function createBlockOption(optionNumber: number, { number, isMore, sizeExponent }: Block): Option {
  if (number > blockNumberMax)
    throw new CoapError('ERR_COAP_TOO_LARGE', `block ${number}: a body has at most 2^20 blocks`)
  return createIntegerOption(optionNumber, number * 16 + (isMore ? 8 : 0) + sizeExponent)
}

/** Undefined when the message has no such option. */
export function readBlockOption(options: readonly Option[], optionNumber: number): Block | undefined {
  const value = integerOption(options, optionNumber)
  if (value === undefined) return undefined
  return { number: value >>> 4, isMore: (value & 8) !== 0, sizeExponent: value & 7 }
}

/** Offset of the block in the body. */
export function blockOffset({ number, sizeExponent }: Block): number {
  return number * blockBytes(sizeExponent)
}
