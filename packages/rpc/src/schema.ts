/**
 * Schemas of parameters and results: one value gives the static type, the check and the JSON Schema.
 * Own combinators instead of a library: bytes differ between the two framings (base64 text in JSON, binary in
 * MessagePack), unknown names must come with a suggestion, and loading costs under a millisecond (doc/adr/0005-rpc.md).
 * Reading takes ownership of the value: base64 is replaced by bytes in place. In frames nothing is changed.
 */
import { nearestName } from './nearest-name.ts'
import { RpcError } from './rpc-error.ts'

export type Framing = 'json' | 'frames'

/** How a value is read: strictly (parameters) or with unknown members kept (results of a newer peer). */
export interface ReadMode {
  readonly framing: Framing
  readonly unknownMembers: 'refuse' | 'keep'
}

export type JsonSchema = Readonly<Record<string, unknown>>

export interface Schema<T> {
  /** In a sentence: "text", "an integer". */
  readonly noun: string
  readonly optional: boolean
  /** True when bytes can be inside, so that values must be converted for JSON. */
  readonly carriesBytes: boolean
  readonly jsonSchema: JsonSchema
  /** The value as it is in the program; throws RpcError ERR_RPC_PARAMS with `data.path`. */
  read(value: unknown, mode: ReadMode): T
  /** The value as it goes on the wire; unchanged unless bytes are inside. Never changes its argument. */
  write(value: T, framing: Framing): unknown
}

export interface OptionalSchema<T> extends Schema<T> {
  readonly optional: true
}

export interface RequiredSchema<T> extends Schema<T> {
  readonly optional: false
}

/** The static type of a schema. */
export type Infer<S> = S extends Schema<infer T> ? T : never

export type Fields = Readonly<Record<string, Schema<unknown>>>
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends { readonly optional: true } ? K : never
}[keyof F]
export type ObjectValue<F extends Fields> = {
  readonly [
    K in keyof ({ [R in Exclude<keyof F, OptionalKeys<F>>]: 1 } & { [O in OptionalKeys<F>]?: 1 })
  ]: K extends OptionalKeys<F> ? Infer<F[K]> | undefined : Infer<F[K]>
}

export interface ObjectSchema<T> extends RequiredSchema<T> {
  readonly fields: Fields
}

interface Rule<T> {
  readonly noun: string
  readonly carriesBytes?: boolean
  readonly jsonSchema: JsonSchema
  read(value: unknown, mode: ReadMode): T
  write?(value: T, framing: Framing): unknown
}

function fromRule<T>(rule: Rule<T>): RequiredSchema<T> {
  return {
    noun: rule.noun,
    optional: false,
    carriesBytes: rule.carriesBytes ?? false,
    jsonSchema: rule.jsonSchema,
    read: (value, mode) => rule.read(value, mode),
    write: (value, framing) => (rule.write === undefined ? value : rule.write(value, framing))
  }
}

function refuse(problem: string, path = ''): never {
  throw new RpcError('ERR_RPC_PARAMS', problem, { path, problem })
}

/** The same refusal, seen from the value around it. */
function within(key: string | number, error: unknown): unknown {
  if (!(error instanceof RpcError) || error.code !== 'ERR_RPC_PARAMS') return error
  const { path: inner, problem } = error.data
  if (typeof inner !== 'string' || typeof problem !== 'string') return error
  const own = typeof key === 'number' ? `[${key}]` : key
  const path = inner === '' ? own : inner.startsWith('[') ? own + inner : `${own}.${inner}`
  return new RpcError('ERR_RPC_PARAMS', `${path}: ${problem}`, { ...error.data, path, problem })
}

function show(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 40 ? `text of ${value.length} characters` : JSON.stringify(value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object') return value === null ? 'null' : 'an object'
  if (typeof value === 'bigint') return 'an integer beyond 2^53 - 1'
  return typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : value === undefined
      ? 'nothing'
      : typeof value
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export interface TextBounds {
  /** In UTF-16 units. */
  readonly charactersMin?: number
  readonly charactersMax?: number
  readonly pattern?: RegExp
}

export function string(bounds: TextBounds = {}): RequiredSchema<string> {
  const { charactersMin = 0, charactersMax = Infinity, pattern } = bounds
  return fromRule({
    noun: 'text',
    jsonSchema: {
      type: 'string',
      ...(charactersMin > 0 ? { minLength: charactersMin } : {}),
      ...(charactersMax < Infinity ? { maxLength: charactersMax } : {}),
      ...(pattern === undefined ? {} : { pattern: pattern.source })
    },
    read(value) {
      if (typeof value !== 'string') return refuse(`expected text, found ${show(value)}`)
      if (value.length < charactersMin)
        refuse(`expected at least ${charactersMin} characters, found ${value.length}`)
      if (value.length > charactersMax)
        refuse(`expected at most ${charactersMax} characters, found ${value.length}`)
      if (pattern !== undefined && !pattern.test(value))
        refuse(`${show(value)} does not match ${pattern.source}`)
      return value
    }
  })
}

export interface NumberBounds {
  readonly min?: number
  readonly max?: number
}

export function integer(bounds: NumberBounds = {}): RequiredSchema<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = bounds
  return fromRule({
    noun: 'an integer',
    jsonSchema: {
      type: 'integer',
      ...(bounds.min === undefined ? {} : { minimum: min }),
      ...(bounds.max === undefined ? {} : { maximum: max })
    },
    read(value) {
      if (typeof value !== 'number' || !Number.isSafeInteger(value))
        return refuse(`expected an integer, found ${show(value)}`)
      if (value < min || value > max) refuse(`expected an integer from ${min} to ${max}, found ${value}`)
      return value
    }
  })
}

export function number(bounds: NumberBounds = {}): RequiredSchema<number> {
  const { min = -Infinity, max = Infinity } = bounds
  return fromRule({
    noun: 'a number',
    jsonSchema: {
      type: 'number',
      ...(bounds.min === undefined ? {} : { minimum: min }),
      ...(bounds.max === undefined ? {} : { maximum: max })
    },
    read(value) {
      if (typeof value !== 'number' || !Number.isFinite(value))
        return refuse(`expected a number, found ${show(value)}`)
      if (value < min || value > max) refuse(`expected a number from ${min} to ${max}, found ${value}`)
      return value
    }
  })
}

export function boolean(): RequiredSchema<boolean> {
  return fromRule({
    noun: 'true or false',
    jsonSchema: { type: 'boolean' },
    read: (value) =>
      typeof value === 'boolean' ? value : refuse(`expected true or false, found ${show(value)}`)
  })
}

export interface BytesBounds {
  readonly bytesMin?: number
  readonly bytesMax?: number
}

/** Binary in MessagePack frames; base64 text in JSON lines. The value may share memory with the received chunk. */
export function bytes(bounds: BytesBounds = {}): RequiredSchema<Uint8Array> {
  const { bytesMin = 0, bytesMax = Infinity } = bounds
  return fromRule({
    noun: 'bytes',
    carriesBytes: true,
    jsonSchema: { type: 'string', contentEncoding: 'base64' },
    read(value, mode) {
      const decoded = mode.framing === 'json' ? decodeBase64(value) : value
      if (!(decoded instanceof Uint8Array)) return refuse(`expected bytes, found ${show(value)}`)
      if (decoded.length < bytesMin) refuse(`expected at least ${bytesMin} bytes, found ${decoded.length}`)
      if (decoded.length > bytesMax) refuse(`expected at most ${bytesMax} bytes, found ${decoded.length}`)
      return decoded
    },
    write: (value, framing) => (framing === 'json' ? value.toBase64() : value)
  })
}

function decodeBase64(value: unknown): Uint8Array {
  if (typeof value !== 'string') return refuse(`expected bytes as base64 text, found ${show(value)}`)
  try {
    return Uint8Array.fromBase64(value)
  } catch {
    return refuse(`expected bytes as base64 text, found ${show(value)}`)
  }
}

/** Any JSON-like value, unchecked. Bytes inside are not converted. */
export function anything(): RequiredSchema<unknown> {
  return fromRule({ noun: 'any value', jsonSchema: {}, read: (value) => value })
}

export function literal<const V extends string | number | boolean | null>(expected: V): RequiredSchema<V> {
  return fromRule({
    noun: JSON.stringify(expected),
    jsonSchema: { const: expected },
    read: (value) =>
      value === expected ? expected : refuse(`expected ${JSON.stringify(expected)}, found ${show(value)}`)
  })
}

export function enumeration<const V extends readonly string[]>(values: V): RequiredSchema<V[number]> {
  const known: ReadonlySet<string> = new Set(values)
  const isKnown = (value: unknown): value is V[number] => typeof value === 'string' && known.has(value)
  return fromRule({
    noun: values.map((value) => JSON.stringify(value)).join(' or '),
    jsonSchema: { type: 'string', enum: values },
    read(value) {
      if (isKnown(value)) return value
      const nearest = typeof value === 'string' ? nearestName(value, values) : undefined
      const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`
      return refuse(`expected one of ${values.join(', ')}, found ${show(value)}${hint}`)
    }
  })
}

export interface ArrayBounds {
  readonly itemsMax?: number
}

export function array<T>(item: Schema<T>, bounds: ArrayBounds = {}): RequiredSchema<readonly T[]> {
  const { itemsMax = Infinity } = bounds
  return fromRule<readonly T[]>({
    noun: `an array of ${item.noun}`,
    carriesBytes: item.carriesBytes,
    jsonSchema: {
      type: 'array',
      items: item.jsonSchema,
      ...(itemsMax < Infinity ? { maxItems: itemsMax } : {})
    },
    read(value, mode) {
      if (!isArrayOf<T>(value)) return refuse(`expected an array, found ${show(value)}`)
      if (value.length > itemsMax) refuse(`expected at most ${itemsMax} items, found ${value.length}`)
      let index = 0
      try {
        for (; index < value.length; index++) {
          const entry = item.read(value[index], mode)
          if (entry !== value[index]) value[index] = entry
        }
      } catch (error) {
        throw within(index, error)
      }
      return value
    },
    write: (value, framing) =>
      item.carriesBytes && framing === 'json' ? value.map((entry) => item.write(entry, framing)) : value
  })
}

/** The items are checked by whoever narrows with it, as are the values of a record. */
function isArrayOf<T>(value: unknown): value is T[] {
  return Array.isArray(value)
}

function isRecordOf<T>(value: unknown): value is Record<string, T> {
  return isRecord(value)
}

/** An object with any names and values of one schema. */
export function record<T>(item: Schema<T>): RequiredSchema<Readonly<Record<string, T>>> {
  return fromRule<Readonly<Record<string, T>>>({
    noun: `an object of ${item.noun}`,
    carriesBytes: item.carriesBytes,
    jsonSchema: { type: 'object', additionalProperties: item.jsonSchema },
    read(value, mode) {
      if (!isRecordOf<T>(value)) return refuse(`expected an object, found ${show(value)}`)
      for (const key of Object.keys(value)) {
        if (key === '__proto__') refuse('the name "__proto__" is not allowed', key)
        try {
          const entry = item.read(value[key], mode)
          if (entry !== value[key]) value[key] = entry
        } catch (error) {
          throw within(key, error)
        }
      }
      return value
    },
    write(value, framing) {
      if (!item.carriesBytes || framing === 'frames') return value
      return Object.fromEntries(
        Object.entries(value).map(([key, entry]) => [key, item.write(entry, framing)])
      )
    }
  })
}

/** An object with these members and, when read strictly, no others. */
export function object<const F extends Fields>(fields: F): ObjectSchema<ObjectValue<F>> {
  const members = Object.entries(fields).map(([key, schema]) => ({ key, schema }))
  for (const { key } of members) {
    if (key in Object.prototype)
      throw new RpcError('ERR_RPC_DEFINITION', `a member must not be named "${key}"`)
  }
  const carriesBytes = members.some(({ schema }) => schema.carriesBytes)
  const required = members.filter(({ schema }) => !schema.optional).map(({ key }) => key)
  const properties = Object.fromEntries(members.map(({ key, schema }) => [key, schema.jsonSchema]))

  function read(value: unknown, mode: ReadMode): ObjectValue<F> {
    if (!isRecord(value)) return refuse(`expected an object, found ${show(value)}`)
    let found = 0
    for (const { key, schema } of members) {
      const entry = value[key]
      if (entry === undefined) {
        if (!schema.optional) refuse(`"${key}" is missing (${schema.noun})`, key)
        continue
      }
      found++
      try {
        const read = schema.read(entry, mode)
        if (read !== entry) value[key] = read
      } catch (error) {
        throw within(key, error)
      }
    }
    if (mode.unknownMembers === 'refuse') refuseUnknown(value, found, fields)
    return value as ObjectValue<F> // every member was checked above
  }

  function write(value: ObjectValue<F>, framing: Framing): unknown {
    if (!carriesBytes || framing === 'frames') return value
    const written: Record<string, unknown> = { ...value }
    for (const { key, schema } of members) {
      const entry = written[key]
      if (schema.carriesBytes && entry !== undefined) written[key] = schema.write(entry, framing)
    }
    return written
  }

  return {
    noun: 'an object',
    optional: false,
    carriesBytes,
    fields,
    jsonSchema: {
      type: 'object',
      properties,
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: false
    },
    read,
    write
  }
}

function refuseUnknown(value: Record<string, unknown>, found: number, fields: Fields): void {
  const names = Object.keys(value)
  if (names.length === found) return
  for (const name of names) {
    if (Object.hasOwn(fields, name)) continue
    const nearest = nearestName(name, Object.keys(fields))
    const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name
    const hint =
      nearest === undefined
        ? `known: ${Object.keys(fields).join(', ') || 'none'}`
        : `did you mean "${nearest}"?`
    throw new RpcError('ERR_RPC_PARAMS', `unknown name "${shown}"; ${hint}`, {
      path: shown,
      problem: `unknown name "${shown}"; ${hint}`,
      ...(nearest === undefined ? {} : { nearest })
    })
  }
}

/** A member that may be left out; `null` is not the same as left out. */
export function optional<T>(schema: Schema<T>): OptionalSchema<T> {
  return { ...schema, optional: true }
}

export function nullable<T>(schema: Schema<T>): RequiredSchema<T | null> {
  return fromRule<T | null>({
    noun: `${schema.noun} or null`,
    carriesBytes: schema.carriesBytes,
    jsonSchema: { anyOf: [schema.jsonSchema, { type: 'null' }] },
    read: (value, mode) => (value === null ? null : schema.read(value, mode)),
    write: (value, framing) => (value === null ? null : schema.write(value, framing))
  })
}

/**
 * The first of the schemas that accepts the value. Bytes in alternatives are converted by the value itself, so
 * two alternatives must not differ in "text" against "bytes" alone.
 */
export function union<const S extends readonly Schema<unknown>[]>(
  alternatives: S
): RequiredSchema<Infer<S[number]>> {
  return fromRule<Infer<S[number]>>({
    noun: alternatives.map((schema) => schema.noun).join(' or '),
    carriesBytes: alternatives.some((schema) => schema.carriesBytes),
    jsonSchema: { anyOf: alternatives.map((schema) => schema.jsonSchema) },
    read(value, mode) {
      const problems: string[] = []
      for (const schema of alternatives) {
        try {
          const mayChange = mode.framing === 'json' && alternatives.length > 1 && schema.carriesBytes
          const own = mayChange ? structuredClone(value) : value
          return schema.read(own, mode) as Infer<S[number]> // accepted by an alternative
        } catch (error) {
          problems.push(error instanceof RpcError ? error.message : String(error))
        }
      }
      return refuse(`no alternative fits: ${problems.join(' | ')}`)
    },
    write: (value, framing) => (framing === 'json' ? writeBytesAsText(value) : value)
  })
}

function writeBytesAsText(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toBase64()
  if (Array.isArray(value)) return value.map(writeBytesAsText)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, writeBytesAsText(entry)]))
}

/** The same schema with a sentence for the reference page. */
export function described<S extends Schema<unknown>>(schema: S, description: string): S {
  return { ...schema, jsonSchema: { ...schema.jsonSchema, description } }
}
