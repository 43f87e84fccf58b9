/** Any value of the canonical subset, for tests that do not have a schema. */
import { CanonicalWriter, type CanonicalReader } from '@blocktree/codec'

export type SubsetValue = null | boolean | number | string | Uint8Array | SubsetValue[]

export function encodeValue(value: SubsetValue): Uint8Array {
  const writer = new CanonicalWriter()
  writeValue(writer, value)
  return writer.finish()
}

function writeValue(writer: CanonicalWriter, value: SubsetValue): void {
  if (value === null) writer.nil()
  else if (typeof value === 'boolean') writer.boolean(value)
  else if (typeof value === 'number') writer.uint(value)
  else if (typeof value === 'string') writer.str(value)
  else if (value instanceof Uint8Array) writer.bin(value)
  else {
    writer.array(value.length)
    for (const item of value) writeValue(writer, item)
  }
}

export function readValue(reader: CanonicalReader): SubsetValue {
  switch (reader.peek()) {
    case 'nil':
      reader.skipNil()
      return null
    case 'boolean':
      return reader.boolean()
    case 'bin':
      return new Uint8Array(reader.bin(1 << 20))
    case 'str':
      return reader.str(1 << 20)
    case 'array':
      return Array.from({ length: reader.array(0xffff_ffff) }, () => readValue(reader))
    case 'uint':
    case undefined:
      return reader.uint()
  }
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Hexadecimal, dashes between bytes allowed. */
export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll('-', ''), 'hex'))
}
