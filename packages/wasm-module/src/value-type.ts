/** Types of the binary format that are accepted: numbers, vectors and the two plain reference types. */
import { refuseFeature } from './feature.ts'
import type { BinaryReader } from './binary-reader.ts'

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref'
export type ReferenceType = 'funcref' | 'externref'

export interface FunctionType {
  readonly parameters: readonly ValueType[]
  readonly results: readonly ValueType[]
}

/** Minimum and maximum of a memory (pages of 64 KiB) or table (entries). */
export interface Limits {
  readonly min: number
  readonly max: number | undefined
}

const valueTypes: ReadonlyMap<number, ValueType> = new Map([
  [0x7f, 'i32'],
  [0x7e, 'i64'],
  [0x7d, 'f32'],
  [0x7c, 'f64'],
  [0x7b, 'v128'],
  [0x70, 'funcref'],
  [0x6f, 'externref']
])

/** The type that `byte` stands for; undefined when it is none of the accepted ones. */
export function valueTypeOf(byte: number): ValueType | undefined {
  return valueTypes.get(byte)
}

export function readValueType(reader: BinaryReader): ValueType {
  const start = reader.offset
  const byte = reader.byte()
  const type = valueTypes.get(byte)
  if (type !== undefined) return type
  if (byte >= 0x63 && byte <= 0x74) refuseFeature(byte === 0x69 || byte === 0x74 ? 'exceptions' : 'gc', start)
  return reader.fail('ERR_MODULE_TYPE', `0x${byte.toString(16)} is no value type`, start)
}

export function readReferenceType(reader: BinaryReader): ReferenceType {
  const start = reader.offset
  const type = readValueType(reader)
  if (type === 'funcref' || type === 'externref') return type
  return reader.fail('ERR_MODULE_TYPE', `${type} is no reference type`, start)
}

/** `(i32, i64) -> i32`, for messages. */
export function formatFunctionType({ parameters, results }: FunctionType): string {
  const listed = results.join(', ')
  return `(${parameters.join(', ')}) -> ${results.length === 1 ? listed : `(${listed})`}`
}

export function equalFunctionTypes(left: FunctionType, right: FunctionType): boolean {
  return formatFunctionType(left) === formatFunctionType(right)
}
