/** Vectors of doc/spec/01-encoding.md: every form at its bounds, every refusal, identifiers in text. */
import { CanonicalReader, CanonicalWriter, CodecError, formatId, parseId } from '@blocktree/codec'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

/** JSON spelling of a value: bytes are `{ bin }`, long text and bytes are repeated units. */
type Shown = null | boolean | number | string | { readonly bin: string } | readonly Shown[] | Repeated

interface Repeated {
  readonly repeat: 'text' | 'byte' | 'nil'
  readonly count: number
}

export function generateVectors(): VectorPage {
  return {
    name: 'encoding',
    specification: 'doc/spec/01-encoding.md',
    comment:
      'accept: `value` encodes to `bytes` and `bytes` decode to `value`; {"bin": hex} is a byte string, {"repeat", count} ' +
      'stands for a text of that many "a", that many bytes 00, or an array of that many nil; where `head` stands ' +
      'instead of `bytes` only the first bytes are given. refuse: decoding one value from `bytes` and then the end ' +
      'fails; `error` is the code of this implementation. identifiers: `id` is written as `text`.',
    groups: {
      accept: acceptCases(),
      refuse: refuseCases(),
      identifiers: identifierCases(),
      refusedIdentifiers: refusedIdentifierCases()
    }
  }
}

function acceptCases(): VectorCase[] {
  const values: readonly [string, Shown][] = [
    ['nil', null],
    ['false', false],
    ['true', true],
    ...[
      0,
      1,
      0x7f,
      0x80,
      0xff,
      0x100,
      0xffff,
      0x1_0000,
      0xffff_ffff,
      0x1_0000_0000,
      Number.MAX_SAFE_INTEGER
    ].map((value): [string, Shown] => [`integer ${value}`, value]),
    ['empty byte string', { bin: '' }],
    ['byte string', { bin: '00ff10' }],
    ['byte string, longest of the 8-bit form', { repeat: 'byte', count: 0xff }],
    ['byte string, shortest of the 16-bit form', { repeat: 'byte', count: 0x100 }],
    ['byte string, shortest of the 32-bit form', { repeat: 'byte', count: 0x1_0000 }],
    ['empty text', ''],
    ['text of one, two, three and four bytes a character', 'a\u00e9\u20ac\u{1f333}'],
    ['byte order mark, kept', '\ufeffa'],
    ['text is not normalised by the encoding', 'e\u0301'],
    ['text, longest of the short form', { repeat: 'text', count: 31 }],
    ['text, shortest of the 8-bit form', { repeat: 'text', count: 32 }],
    ['text, shortest of the 16-bit form', { repeat: 'text', count: 0x100 }],
    ['text, shortest of the 32-bit form', { repeat: 'text', count: 0x1_0000 }],
    ['empty array', []],
    ['array of every type', [null, true, 300, { bin: '01' }, 'name', []]],
    ['array, longest of the short form', { repeat: 'nil', count: 15 }],
    ['array, shortest of the 16-bit form', { repeat: 'nil', count: 16 }],
    ['array, shortest of the 32-bit form', { repeat: 'nil', count: 0x1_0000 }],
    ['six nested arrays, the deepest allowed', [[[[[[]]]]]]]
  ]
  return values.map(([comment, value]) => {
    const writer = new CanonicalWriter()
    writeShown(writer, value)
    const bytes = writer.finish()
    const form =
      bytes.length <= 64 ? { bytes: hex(bytes) } : { head: hex(bytes.subarray(0, 8)), length: bytes.length }
    return { comment, value, ...form }
  })
}

function writeShown(writer: CanonicalWriter, value: Shown): void {
  if (value === null) writer.nil()
  else if (typeof value === 'boolean') writer.boolean(value)
  else if (typeof value === 'number') writer.uint(value)
  else if (typeof value === 'string') writer.str(value)
  else if ('bin' in value) writer.bin(new Uint8Array(Buffer.from(value.bin, 'hex')))
  else if ('repeat' in value) writeRepeated(writer, value)
  else {
    writer.array(value.length)
    for (const item of value) writeShown(writer, item)
  }
}

function writeRepeated(writer: CanonicalWriter, { repeat, count }: Repeated): void {
  if (repeat === 'text') writer.str('a'.repeat(count))
  else if (repeat === 'byte') writer.bin(new Uint8Array(count))
  else {
    writer.array(count)
    for (let index = 0; index < count; index++) writer.nil()
  }
}

function refuseCases(): VectorCase[] {
  const inputs: readonly [string, string][] = [
    ['integer below 128 in the 8-bit form', 'cc7f'],
    ['integer below 2^8 in the 16-bit form', 'cd00ff'],
    ['integer below 2^16 in the 32-bit form', 'ce0000ffff'],
    ['integer below 2^32 in the 64-bit form', 'cf00000000ffffffff'],
    ['integer 2^53', 'cf0020000000000000'],
    ['integer 2^64-1', 'cfffffffffffffffff'],
    ['byte string of 1 byte in the 16-bit form', 'c5000100'],
    ['byte string of 1 byte in the 32-bit form', 'c60000000100'],
    ['text of 1 byte in the 8-bit form', 'd90161'],
    ['text of 1 byte in the 16-bit form', 'da000161'],
    ['text of 1 byte in the 32-bit form', 'db0000000161'],
    ['array of 1 value in the 16-bit form', 'dc0001c0'],
    ['array of 1 value in the 32-bit form', 'dd00000001c0'],
    ['negative integer', 'ff'],
    ['signed 8-bit integer', 'd001'],
    ['signed 64-bit integer', 'd30000000100000000'],
    ['32-bit float', 'ca3f800000'],
    ['64-bit float', 'cb3ff0000000000000'],
    ['empty map', '80'],
    ['map of 16-bit size', 'de0000'],
    ['extension of 1 byte', 'd40000'],
    ['time stamp', 'd6ff00000000'],
    ['extension of 8-bit size', 'c70100ff'],
    ['the byte that MessagePack never uses', 'c1'],
    ['text that is not UTF-8', 'a1ff'],
    ['text with an over-long zero', 'a2c080'],
    ['text with an encoded surrogate', 'a3eda080'],
    ['text above U+10FFFF', 'a4f4908080'],
    ['text that ends inside a character', 'a1c3'],
    ['seven nested arrays', '91919191919190'],
    ['nothing', ''],
    ['integer that ends early', 'cd01'],
    ['byte string that ends early', 'c40200'],
    ['text that ends early', 'a261'],
    ['array that ends early', '92c0'],
    ['array that claims 2^32-1 values', 'ddffffffff'],
    ['byte after the value', 'c0c0']
  ]
  return inputs.map(([comment, bytes]) => ({ comment, bytes, error: refusal(() => decodeAny(bytes)) }))
}

function decodeAny(text: string): void {
  const reader = new CanonicalReader(new Uint8Array(Buffer.from(text, 'hex')))
  skipValue(reader)
  reader.end()
}

function skipValue(reader: CanonicalReader): void {
  const kind = reader.peek()
  if (kind === 'nil') reader.skipNil()
  else if (kind === 'boolean') reader.boolean()
  else if (kind === 'bin') reader.bin(Number.MAX_SAFE_INTEGER)
  else if (kind === 'str') reader.str(Number.MAX_SAFE_INTEGER)
  else if (kind === 'array') {
    const length = reader.array(Number.MAX_SAFE_INTEGER)
    for (let index = 0; index < length; index++) skipValue(reader)
  } else reader.uint()
}

function identifierCases(): VectorCase[] {
  return ['00', 'ff', '0123456789abcdef'].map((unit) => {
    const id = new Uint8Array(Buffer.from(unit.repeat(64 / unit.length), 'hex'))
    return { comment: `32 bytes of ${unit}`, id: hex(id), text: formatId(id) }
  })
}

function refusedIdentifierCases(): VectorCase[] {
  const text = formatId(new Uint8Array(32))
  const inputs: readonly [string, string][] = [
    ['empty', ''],
    ['upper case', text.toUpperCase()],
    ['one upper-case letter', `${text.slice(0, 9)}A${text.slice(10)}`],
    ['one character too few', text.slice(0, -1)],
    ['one character too many', `${text}a`],
    ['padded', `${text}=`],
    ['spare bits not zero', `${text.slice(0, -1)}b`],
    ['another base', `z${text.slice(1)}`],
    ['another hash function', `bcm${text.slice(3)}`],
    ['space before', ` ${text.slice(1)}`]
  ]
  return inputs.map(([comment, input]) => ({ comment, text: input, error: refusal(() => parseId(input)) }))
}

/** The code of the refusal; a case that is accepted is a mistake in this file. */
function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof CodecError) return error.code
    throw error
  }
  throw new Error('a case that must be refused was accepted')
}
