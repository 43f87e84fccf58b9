/** Any value of doc/spec/01-encoding.md, to change one field of a record for a vector without its encoder. */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'

export type Value = null | boolean | number | string | Uint8Array | readonly Value[]

/** Takes the value at the end of a path and returns what shall stand there. */
export type Edit = (before: Value) => Value

export function decodeValue(bytes: Uint8Array): Value {
  const reader = new CanonicalReader(bytes)
  const value = readValue(reader)
  reader.end()
  return value
}

function readValue(reader: CanonicalReader): Value {
  switch (reader.peek()) {
    case 'boolean':
      return reader.boolean()
    case 'uint':
      return reader.uint()
    case 'bin':
      return reader.bin(0xffff_ffff)
    case 'str':
      return reader.str(0xffff_ffff)
    case 'array':
      return Array.from({ length: reader.array(0xffff_ffff) }, () => readValue(reader))
    default:
      reader.skipNil()
      return null
  }
}

export function encodeValue(value: Value): Uint8Array {
  const writer = new CanonicalWriter()
  writeValue(writer, value)
  return writer.finish()
}

function writeValue(writer: CanonicalWriter, value: Value): void {
  if (value === null) writer.nil()
  else if (typeof value === 'boolean') writer.boolean(value)
  else if (typeof value === 'number') writer.uint(value)
  else if (typeof value === 'string') writer.str(value)
  else if (value instanceof Uint8Array) writer.bin(value)
  else {
    writer.array(value.length)
    for (const element of value) writeValue(writer, element)
  }
}

/** `bytes` with the value at `path` replaced; a path leads through arrays, and through byte strings that hold one. */
export function editBytes(bytes: Uint8Array, path: readonly number[], edit: Value | Edit): Uint8Array {
  return encodeValue(editValue(decodeValue(bytes), path, edit))
}

function editValue(value: Value, path: readonly number[], edit: Value | Edit): Value {
  const [index, ...rest] = path
  if (index === undefined) return typeof edit === 'function' ? edit(value) : edit
  if (value instanceof Uint8Array) return editBytes(value, path, edit)
  if (!Array.isArray(value) || index >= value.length) throw new Error(`no field ${index} to edit`)
  const elements: readonly Value[] = value
  return elements.map((element, at) => (at === index ? editValue(element, rest, edit) : element))
}
